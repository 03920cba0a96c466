import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient, createServer, service, type, unary } from "@farcall/core";
import { expect, test } from "vitest";
import { pipe, pipeServer } from "./readme/pipe.ts";
import { json } from "./rig/json-codec.ts";
// Declares the suite that the README shows.
import "./readme/pipe-compliance.ts";

test.each(["pipe.ts", "pipe-compliance.ts"])("the README shows %s as it is", (name) => {
  const read = (path: string): string => readFileSync(join(import.meta.dirname, path), "utf8");
  expect(read("../README.md")).toContain(`\`\`\`ts\n${read(`readme/${name}`)}\`\`\``);
});

test("its transport carries calls", async () => {
  const path = join(tmpdir(), `farcall-readme-${process.pid}.sock`);
  const Echo = service("echo.v1.Echo", { echo: unary({ input: type<string>(), output: type<string>() }) });
  const server = createServer({ codecs: [json()] }).add(Echo, { echo: (text) => text });
  await server.listen(pipeServer(path));
  const transport = pipe(path);
  expect(await createClient(Echo, { transport, codec: json() }).echo("hello")).toBe("hello");
  await transport.close();
  await server.close();
});
