import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
// Declares the tests that the README of transport-memory shows.
import "../examples/memory-calculator.ts";

const examples = join(import.meta.dirname, "..", "examples");

describe("the READMEs of the parts", () => {
  test.each([
    ["codec", "codecs.ts"],
    ["transport-tcp", "tcp-calculator.ts"],
    ["transport-tcp", "tls.ts"],
    ["transport-memory", "memory-calculator.ts"],
  ])("%s shows %s as it is", (folder, name) => {
    const readme = readFileSync(join(import.meta.dirname, "../..", folder, "README.md"), "utf8");
    expect(readme).toContain(`\`\`\`ts\n${readFileSync(join(examples, name), "utf8")}\`\`\``);
  });

  test.each([
    ["codecs.ts", "{ big: 12n, at: 1970-01-01T00:00:00.000Z }\n"],
    ["tcp-calculator.ts", "{ total: 3 }\n"],
  ])("%s prints what it says, and ends", (name, prints) => {
    const run = spawnSync(process.execPath, [join(examples, name)], { encoding: "utf8", timeout: 10_000 });
    expect(run.stderr).toBe("");
    expect(run.stdout).toBe(prints);
    expect(run.status).toBe(0);
  });
});
