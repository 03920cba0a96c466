import {
  createClient,
  createServer,
  type RetryOptions,
  retry,
  retryRules,
  ContextValues,
  RpcError,
  service,
  tcp,
  tcpServer,
  unary,
} from "farcall";
import { expect, test } from "vitest";
import { z } from "zod";

const Flaky = service("test.v1.Flaky", {
  read: unary({ input: z.object({}), output: z.object({ attempt: z.number() }), effect: "pure" }),
  write: unary({ input: z.object({}), output: z.object({ attempt: z.number() }) }),
});

/** A server whose calls fail until the given attempt. */
async function failingUntil(attempt: number) {
  const asked: number[] = [];
  const answer = (_: unknown, context: { attempt: number }) => {
    asked.push(context.attempt);
    if (context.attempt < attempt) throw new RpcError("UNAVAILABLE", "not yet");
    return { attempt: context.attempt };
  };
  const server = createServer();
  server.add(Flaky, { read: answer, write: answer });
  const { address } = await server.listen(tcpServer({ port: 0 }));
  const transport = tcp(address);
  return {
    asked,
    transport,
    async [Symbol.asyncDispose]() {
      await transport.close();
      await server.close({ graceMs: 0 });
    },
  };
}

test("a client tries pure calls again by default, and unsafe ones not", async () => {
  await using flaky = await failingUntil(3);
  const client = createClient(Flaky, { transport: flaky.transport });
  expect(await client.read({})).toEqual({ attempt: 3 });
  expect(flaky.asked).toEqual([1, 2, 3]);
  await expect(client.write({})).rejects.toMatchObject({ code: "UNAVAILABLE", explain: { stopped: "not retryable" } });
  expect(flaky.asked).toEqual([1, 2, 3, 1]);
});

test("`retry: false` turns that off", async () => {
  await using flaky = await failingUntil(2);
  const client = createClient(Flaky, { transport: flaky.transport, retry: false });
  await expect(client.read({})).rejects.toMatchObject({ code: "UNAVAILABLE", explain: { stopped: "not retried" } });
  expect(flaky.asked).toEqual([1]);
});

test("`retry` takes options, and a call its own rules", async () => {
  await using flaky = await failingUntil(5);
  const options: RetryOptions = { attempts: 5, backoff: { baseMs: 1 } };
  const client = createClient(Flaky, { transport: flaky.transport, retry: options });
  expect(await client.read({})).toEqual({ attempt: 5 });
  const once = { values: new ContextValues().set(retryRules, { attempts: 1 }) };
  await expect(client.read({}, once)).rejects.toMatchObject({ explain: { stopped: "attempts" } });
});

test("an interceptor of one's own takes the default's place, also in a list within the list", async () => {
  await using flaky = await failingUntil(2);
  const client = createClient(Flaky, { transport: flaky.transport, use: [[retry({ attempts: 1 })]] });
  await expect(client.read({})).rejects.toMatchObject({ code: "UNAVAILABLE" });
  expect(flaky.asked).toEqual([1]);
});

test("options that make no sense are refused when the client is made", async () => {
  await using flaky = await failingUntil(1);
  const { transport } = flaky;
  expect(() => createClient(Flaky, { transport, retry: { attempts: 0 } })).toThrow("attempts must be a whole number");
  for (const retry of [true, null, 3, []]) {
    expect(() => createClient(Flaky, { transport, retry: retry as never })).toThrow("`retry` must be an object");
  }
  expect(() => createClient(Flaky, { transport, use: {} as never })).toThrow("`use` must be a list");
  expect(() => createClient(Flaky, undefined as never)).toThrow("createClient needs a `transport`");
});

test("calls of a handler that serves a second attempt have half of the attempts", async () => {
  await using flaky = await failingUntil(100);
  const inner = createClient(Flaky, { transport: flaky.transport, retry: { attempts: 4, backoff: { baseMs: 1 } } });
  const server = createServer();
  const counts: number[] = [];
  server.add(Flaky, {
    async read(_, { attempt }) {
      flaky.asked.length = 0;
      await inner.read({}).catch(() => {});
      counts.push(flaky.asked.length);
      if (attempt < 2) throw new RpcError("UNAVAILABLE", "again");
      return { attempt };
    },
    write: () => ({ attempt: 0 }),
  });
  const { address } = await server.listen(tcpServer({ port: 0 }));
  const transport = tcp(address);
  expect(await createClient(Flaky, { transport }).read({})).toEqual({ attempt: 2 });
  expect(counts).toEqual([4, 2]);
  await transport.close();
  await server.close({ graceMs: 0 });
});
