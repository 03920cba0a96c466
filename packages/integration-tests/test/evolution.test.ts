import { createServer, service, unary } from "@farcall/core";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { codecs, run, type Stack, stacks } from "./stack.ts";

const base = { amount: z.number(), currency: z.string(), note: z.string().optional() };
const value = { amount: 5, currency: "EUR", note: "n" };

/** The same method at two times. Its input and output are the same, so that both directions are seen. */
const at = (fields: z.ZodRawShape) =>
  service("pay.v1.Pay", { echo: unary({ input: z.object(fields), output: z.object(fields) }) });

const changes: [string, z.ZodRawShape, Record<string, unknown>][] = [
  [
    "a field added in the middle",
    { amount: z.number(), fee: z.number().default(0), currency: z.string(), note: z.string().optional() },
    { ...value, fee: 0 },
  ],
  ["a field removed", { amount: z.number(), currency: z.string() }, { amount: 5, currency: "EUR" }],
  ["fields in another order", { note: z.string().optional(), currency: z.string(), amount: z.number() }, value],
];

async function between(stack: Stack, client: ReturnType<typeof at>, server: ReturnType<typeof at>, sent: unknown) {
  const seen: unknown[] = [];
  await using running = await run(stack, server, {
    echo(input) {
      seen.push(input);
      return input;
    },
  });
  const caller = running.clientOf(client);
  // More than once: layouts are agreed after the first call of a method.
  const answers: unknown[] = [];
  for (let i = 0; i < 3; i++) answers.push(await caller.echo(sent as never).catch((error: unknown) => error));
  return { answers, seen };
}

describe.each(stacks)("old and new contracts over %s", (_, stack) => {
  test.each(changes)("%s", async (_name, fields, expected) => {
    const [old, young] = [at(base), at(fields)];
    const newServer = await between(stack, old, young, value);
    expect(newServer.seen).toEqual([expected, expected, expected]);
    const newClient = await between(stack, young, old, { ...value, ...expected });
    for (const one of [...newServer.answers, ...newClient.answers, ...newClient.seen]) {
      expect(one).toMatchObject({ amount: 5, currency: "EUR" });
    }
  });

  test("a field renamed is a clear error, never a swap", async () => {
    const renamed = at({ amount: z.number(), unit: z.string(), note: z.string().optional() });
    for (const { answers, seen } of [
      await between(stack, at(base), renamed, value),
      await between(stack, renamed, at(base), { amount: 5, unit: "EUR", note: "n" }),
    ]) {
      expect(seen).toEqual([]);
      for (const one of answers)
        expect(one).toMatchObject({ code: "INVALID_ARGUMENT", message: expect.stringMatching(/currency|unit/) });
    }
  });

  test("equal contracts, three times over", async () => {
    const { answers, seen } = await between(stack, at(base), at(base), value);
    expect(seen).toEqual([value, value, value]);
    expect(answers).toEqual([value, value, value]);
  });
});

test("every codec at one server", async () => {
  await using server = createServer({ codecs });
  const answers: unknown[] = [];
  for (const [, stack] of stacks.slice(0, codecs.length))
    answers.push(...(await between(stack, at(base), at(base), value)).answers);
  expect(answers).toHaveLength(9);
  expect(answers.every((one) => (one as { currency?: string }).currency === "EUR")).toBe(true);
  expect(server.openCalls).toBe(0);
});
