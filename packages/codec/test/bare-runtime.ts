// Run by bare-runtime.test.ts: a runtime without Buffer that forbids code from strings, like a browser with a CSP.
Reflect.deleteProperty(globalThis, "Buffer");

const { ByteWriter } = await import("@farcall/core");
const { codecCompliance } = await import("@farcall/core/compliance");
const { z } = await import("zod");
const { cbor } = await import("../src/cbor.ts");
const { json } = await import("../src/json.ts");
const { msgpack } = await import("../src/msgpack.ts");

try {
  Reflect.construct(Function, ["return 1"]);
  throw new TypeError("code from strings is allowed here");
} catch (error) {
  if (!(error instanceof EvalError)) throw error;
}

let tests = 0;
const runner = {
  describe: (_: string, body: () => void) => body(),
  test(_: string, body: () => void) {
    tests++;
    body();
  },
};
for (const create of [json, cbor, msgpack]) codecCompliance(runner, { create: (maxDepth) => create({ maxDepth }) });

const message = cbor().message({ name: "test", schema: z.object({ a: z.number(), b: z.string() }) });
for (let i = 0; i < 10; i++) {
  const writer = new ByteWriter(16);
  message.encode({ a: i, b: "x" }, writer, true);
  const value = message.decode(writer.buffer, 0, writer.position, true) as { a: number; b: string };
  if (value.a !== i || value.b !== "x" || message.layout === undefined) throw new Error("the positional form failed");
}
console.log(`${tests} tests`);
