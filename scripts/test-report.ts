import { existsSync, readFileSync } from "node:fs";

/** What a run of tests came to. `failures` has a line for each that failed. */
export interface Outcome {
  readonly passed: number;
  readonly skipped: number;
  readonly failures: readonly string[];
}

/** The part of vitest's JSON report that is read here. */
interface VitestReport {
  readonly success: boolean;
  readonly numPassedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

/**
 * Reads the report that vitest wrote for a package. Whatever stopped tests from running at all counts as one failure:
 * no report, a file that could not be loaded, an error outside of every test.
 */
export function readReport(file: string, packageName: string): Outcome {
  if (!existsSync(file)) return { passed: 0, skipped: 0, failures: [`${packageName}: ended before it had a result`] };
  const report = JSON.parse(readFileSync(file, "utf8")) as VitestReport;
  const failures = report.testResults.flatMap((testFile) => {
    const failed = testFile.assertionResults.filter((test) => test.status === "failed").map((test) => test.fullName);
    if (failed.length === 0 && testFile.status === "failed") failed.push(testFile.message.split("\n")[0] ?? "");
    return failed.map((name) => `${packageName}: ${testFile.name.replace(/^.*\/test\//, "test/")}: ${name}`);
  });
  if (failures.length === 0 && !report.success) failures.push(`${packageName}: an error outside of every test`);
  return { passed: report.numPassedTests, skipped: report.numPendingTests + report.numTodoTests, failures };
}
