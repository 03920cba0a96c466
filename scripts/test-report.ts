import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { Reporter } from "vitest/node";

/** What a run of tests came to. `failures` has a line for each that failed. */
export interface Outcome {
  readonly passed: number;
  readonly skipped: number;
  readonly failures: readonly string[];
}

/** The file that a package's outcome is in. */
export function reportName(packageName: string): string {
  return `${packageName.replaceAll("/", "__")}.json`;
}

/** Writes the outcome of a vitest run. A file that can't be loaded and an error outside of every test are failures too. */
export function reportTo(file: string, packageName: string): Reporter {
  return {
    onTestRunEnd(modules, unhandledErrors) {
      const failures = modules.length === 0 ? [`${packageName}: has no tests in test/`] : [];
      let passed = 0;
      let skipped = 0;
      for (const module of modules) {
        const before = failures.length;
        for (const test of module.children.allTests()) {
          const { state } = test.result();
          if (state === "passed") passed++;
          else if (state === "failed") failures.push(`${packageName}: ${module.relativeModuleId}: ${test.fullName}`);
          else skipped++;
        }
        if (module.state() === "failed" && failures.length === before)
          failures.push(`${packageName}: ${module.relativeModuleId}: could not run its tests`);
      }
      for (const { message } of unhandledErrors) failures.push(`${packageName}: outside of every test: ${message}`);
      writeFileSync(file, JSON.stringify({ passed, skipped, failures } satisfies Outcome));
    },
  };
}

/** The outcome that a run wrote. One that ended before it could write counts as one failure. */
export function readReport(file: string, packageName: string): Outcome {
  if (!existsSync(file)) return { passed: 0, skipped: 0, failures: [`${packageName}: ended before it had a result`] };
  return JSON.parse(readFileSync(file, "utf8")) as Outcome;
}
