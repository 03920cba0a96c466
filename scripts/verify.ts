// Every static check and every test of the workspace. The last line is `N passed, N failed, N skipped`.
// A static check counts as one that passed or failed, so that this line and the exit status never disagree.
// `--only core,wire` runs just the tests of those packages.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { root, run } from "./pinned-tools.mjs";
import { type Outcome, readReport, reportName } from "./test-report.ts";
import { filesBelow, type WorkspacePackage, workspacePackages } from "./workspace-packages.ts";

/** Scripts of the root package.json; cheap ones first. */
const staticChecks = [
  "format:check",
  "lint",
  "check:imports",
  "check:unused",
  "typecheck",
  "check:packages",
  "check:cost",
];

const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: Record<string, string> };
const { only } = parseArgs({ options: { only: { type: "string" } } }).values;
const outcomes: Outcome[] = [];
if (only === undefined) for (const check of staticChecks) outcomes.push(await runCheck(check));
outcomes.push(...(await runTests(chosenPackages(only?.split(",")))));

const failures = outcomes.flatMap((outcome) => outcome.failures);
const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0);
const skipped = outcomes.reduce((sum, outcome) => sum + outcome.skipped, 0);
if (failures.length > 0) console.log(`\nFailed:\n${failures.map((failure) => `  ${failure}`).join("\n")}`);
console.log(`\n${passed} passed, ${failures.length} failed, ${skipped} skipped`);
process.exitCode = failures.length === 0 ? 0 : 1;

async function runCheck(script: string): Promise<Outcome> {
  console.log(`\n── ${script}`);
  const status = await run("sh", ["-c", `exec ${scripts[script]}`], { cwd: root });
  return status === 0
    ? { passed: 1, skipped: 0, failures: [] }
    : { passed: 0, skipped: 0, failures: [`${script} (again: pnpm run ${script})`] };
}

async function runTests(packages: readonly WorkspacePackage[]): Promise<Outcome[]> {
  console.log("\n── test");
  const reports = mkdtempSync(join(tmpdir(), "farcall-test-"));
  process.on("exit", () => rmSync(reports, { recursive: true, force: true }));
  // One package after the other: vitest already uses every core, and their outputs don't mix.
  const turbo = ["run", "test", "--continue=always", "--concurrency=1", "--output-logs=full", "--log-prefix=none"];
  const withTests = packages.filter(({ folder }) => filesBelow(join(root, folder, "test")).length > 0);
  if (withTests.length === 0) return [];
  const filters = withTests.map(({ folder }) => `--filter=./${folder}`);
  const status = await run("turbo", [...turbo, ...filters], {
    cwd: root,
    env: { ...process.env, FARCALL_TEST_REPORTS: reports },
  });
  const results = withTests.map(({ manifest: { name } }) => readReport(join(reports, reportName(name)), name));
  if (status !== 0 && results.every(({ failures }) => failures.length === 0))
    results.push({ passed: 0, skipped: 0, failures: [`turbo run test ended with ${status}`] });
  return results;
}

function chosenPackages(names: readonly string[] | undefined): WorkspacePackage[] {
  const all = workspacePackages(root);
  if (names === undefined) return all;
  return names.map((name) => {
    const found = all.find(({ folder, manifest }) => basename(folder) === name || manifest.name === name);
    if (found !== undefined) return found;
    console.error(
      `--only: there is no package ${name}; there are ${all.map(({ folder }) => basename(folder)).join(", ")}`,
    );
    return process.exit(2);
  });
}
