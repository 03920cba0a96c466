import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { startVitest } from "vitest/node";
import { readReport, reportTo } from "../test-report.ts";

// Inside of this package, so that the test files find vitest.
const folder = mkdtempSync(join(import.meta.dirname, "../node_modules/.test-report-"));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("counts passed and skipped tests, and names the failed ones", async () => {
  const outcome = await run({
    "a.test.ts": `
      import { describe, expect, test } from "vitest";
      test("good", () => {});
      describe("a group", () => { test("bad", () => expect(1).toBe(2)); });
      test.skip("later", () => {});
      test.todo("some day");`,
  });
  expect(outcome).toEqual({ passed: 1, skipped: 2, failures: ["core: a.test.ts: a group > bad"] });
});

test("whatever keeps tests from running is a failure", async () => {
  const { passed, failures } = await run({
    "hook.test.ts": `
      import { beforeAll, test } from "vitest";
      beforeAll(() => { throw new Error("no database"); });
      test("good", () => {});`,
    "load.test.ts": `import "./nowhere.ts";`,
  });
  expect(passed).toBe(0);
  expect(failures.toSorted()).toEqual([
    "core: hook.test.ts: could not run its tests",
    "core: load.test.ts: could not run its tests",
  ]);
});

test("an error outside of every test is a failure", async () => {
  const outcome = await run({
    "stray.test.ts": `
      import { test } from "vitest";
      test("good", async () => {
        setTimeout(() => { throw new Error("stray"); });
        await new Promise((resolve) => setTimeout(resolve, 50));
      });`,
  });
  expect(outcome).toEqual({ passed: 1, skipped: 0, failures: ["core: outside of every test: stray"] });
});

test("a run that ended without a report is a failure", () => {
  expect(readReport(join(folder, "none.json"), "core").failures).toEqual(["core: ended before it had a result"]);
});

/** Runs these test files in a vitest of their own. */
async function run(files: Record<string, string>) {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const file = join(folder, "report.json");
  const exitCode = process.exitCode;
  const vitest = await startVitest("test", [], {
    root: folder,
    config: false,
    watch: false,
    reporters: [reportTo(file, "core")],
  });
  await vitest.close();
  process.exitCode = exitCode; // That it failed is what is wanted here.
  return readReport(file, "core");
}
