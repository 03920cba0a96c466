import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const methods = Array.from({ length: 300 }, (_, i) => `method${i}`);
const kinds = ["unary", "serverStream", "clientStream", "bidiStream"];

const source = `
import { z } from "zod";
import { bidiStream, clientStream, createClient, createServer, serverStream, service, unary } from "../../src/index.ts";

const Large = service("large.v1.Large", {
${methods.map((name, i) => `  ${name}: ${kinds[i % 4] as string}({ input: z.object({ id: z.string(), n${i}: z.number().optional() }), output: z.object({ at: z.date(), text${i}: z.string() }), effect: "pure" }),`).join("\n")}
});

declare const transport: Parameters<typeof createClient>[1]["transport"];
declare const codec: Parameters<typeof createClient>[1]["codec"];

export const client = createClient(Large, { transport, codec });
export const answers = [
${methods.map((name, i) => (i % 4 < 2 ? `  client.${name}({ id: "a", n${i}: 1 }),` : `  client.${name}([{ id: "a" }]),`)).join("\n")}
] as const;
createServer({ codecs: [codec] }).add(Large, {
${methods.map((name, i) => `  ${name}: ${["(input) => ({ at: new Date(), text" + i + ": input.id })", "async function* (input) { yield { at: new Date(), text" + i + ": input.id }; }", "async (requests) => { for await (const one of requests) one.id; return { at: new Date(), text" + i + ': "" }; }', "async function* (requests) { for await (const one of requests) yield { at: new Date(), text" + i + ": one.id }; }"][i % 4] as string},`).join("\n")}
});
`;

test("a service of 300 methods, its client and its handlers are type-checked", { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(import.meta.dirname, "..", "node_modules", ".large-"));
  try {
    writeFileSync(join(folder, "large.ts"), source);
    writeFileSync(
      join(folder, "tsconfig.json"),
      '{ "extends": "../../tsconfig.json", "include": [], "files": ["large.ts"] }',
    );
    const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin", "tsc");
    const began = performance.now();
    const { stdout, stderr } = spawnSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8" });
    console.log(`type-checked 300 methods in ${Math.round(performance.now() - began)} ms`);
    expect(stdout + stderr).toBe("");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
