import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readReport } from "../test-report.ts";

const folder = mkdtempSync(join(tmpdir(), "farcall-report-"));
afterAll(() => rmSync(folder, { recursive: true }));

const file = (status: string, message: string, ...tests: string[]) => ({
  name: "/anywhere/packages/core/test/a.test.ts",
  status,
  message,
  assertionResults: tests.map((one) => ({ status: one, fullName: `that it ${one}` })),
});

test("counts passed and skipped tests and names the failed ones", () => {
  const testResults = [file("failed", "", "passed", "failed", "skipped")];
  expect(outcome({ success: false, numPassedTests: 1, numPendingTests: 1, numTodoTests: 2, testResults })).toEqual({
    passed: 1,
    skipped: 3,
    failures: ["core: test/a.test.ts: that it failed"],
  });
});

test("a file that could not be loaded is a failure", () => {
  const testResults = [file("failed", "Cannot find module\n  at …"), file("passed", "", "passed")];
  const report = { success: false, numPassedTests: 1, numPendingTests: 0, numTodoTests: 0, testResults };
  expect(outcome(report).failures).toEqual(["core: test/a.test.ts: Cannot find module"]);
});

test("an error outside of every test is a failure", () => {
  const testResults = [file("passed", "", "passed")];
  const report = { success: false, numPassedTests: 1, numPendingTests: 0, numTodoTests: 0, testResults };
  expect(outcome(report).failures).toEqual(["core: an error outside of every test"]);
});

test("a run that ended without a report is a failure", () => {
  expect(readReport(join(folder, "none.json"), "core").failures).toEqual(["core: ended before it had a result"]);
});

function outcome(report: object) {
  const path = join(folder, "report.json");
  writeFileSync(path, JSON.stringify(report));
  return readReport(path, "core");
}
