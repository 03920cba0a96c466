import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const folder = join(import.meta.dirname, "..");

test.each([
  [
    "retries.ts",
    "attempt 1: UNAVAILABLE, then retry\nattempt 2: UNAVAILABLE, then retry\nattempt 3: OK, then end\n5\n",
  ],
  ["functions.ts", "answered in attempt 3\n200 hello\n"],
])("the README shows %s as it is, and it prints what it says and ends", (name, prints) => {
  const file = join(folder, "examples", name);
  const readme = readFileSync(join(folder, "README.md"), "utf8");
  expect(readme).toContain(`\`\`\`ts\n${readFileSync(file, "utf8")}\`\`\``);
  const run = spawnSync(process.execPath, [file], { encoding: "utf8", timeout: 10_000 });
  expect(run.stderr).toBe("");
  expect(run.stdout).toBe(prints);
  expect(run.status).toBe(0);
});
