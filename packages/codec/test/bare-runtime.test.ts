import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

test("everything works without Buffer and where code from strings is forbidden", { timeout: 30_000 }, () => {
  const script = fileURLToPath(new URL("bare-runtime.ts", import.meta.url));
  const options = ["--disallow-code-generation-from-strings", "--experimental-strip-types", "--no-warnings"];
  expect(execFileSync(process.execPath, [...options, script], { encoding: "utf8" })).toMatch(/^\d{2,} tests$/m);
});
