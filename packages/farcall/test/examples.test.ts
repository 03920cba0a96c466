import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

test("the examples run as the README says", async () => {
  const server = spawn(process.execPath, [here("../examples/server.ts")], {
    env: { ...process.env, PORT: "0" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const serverEnds = once(server, "exit");
  try {
    const [line] = (await once(createInterface(server.stdout), "line")) as [string];
    const address = line.replace("listening on ", "");
    const client = spawn(process.execPath, [here("../examples/client.ts")], {
      env: { ...process.env, ADDRESS: address },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const clientEnds = once(client, "exit");
    let output = "";
    for await (const text of client.stdout.setEncoding("utf8")) output += String(text);
    expect(await clientEnds).toEqual([0, null]);
    expect(output).toBe("42\n1\n2\n3\ncannot divide 1 by zero\n");
  } finally {
    server.kill();
    await serverEnds;
  }
});

describe.each(["../README.md", "../../../README.md"])("%s", (readme) => {
  test.each(["contract.ts", "server.ts", "client.ts"])("shows %s as it is", (name) => {
    const code = readFileSync(here(`../examples/${name}`), "utf8").trim();
    expect(readFileSync(here(readme), "utf8")).toContain(code);
  });
});
