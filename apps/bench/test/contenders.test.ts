import { afterEach, describe, expect, test } from "vitest";
import type { BenchClient, BenchServer } from "../src/contender.ts";
import { contenderNames, loadContender } from "../src/contenders/index.ts";
import { makeOrder, sameOrder } from "../src/order.ts";

const fiveMebibytes = new Uint8Array(5 * 1024 * 1024).map((_, i) => (i * 31 + (i >> 8)) & 0xff);

describe.each(contenderNames)("%s", (name) => {
  let server: BenchServer | undefined;
  let client: BenchClient | undefined;
  const start = async (): Promise<BenchClient> => {
    const contender = await loadContender(name);
    server = await contender.serve({ port: 0 });
    client = await contender.connect(server.port);
    return client;
  };

  afterEach(async () => {
    await client?.close();
    await server?.close();
    client = server = undefined;
  });

  test("is known by the name under which it is listed", async () => {
    expect((await loadContender(name)).name).toBe(name);
  });

  test("answers each of many calls in flight with its own sum", async () => {
    const { add } = await start();
    const sums = await Promise.all(Array.from({ length: 200 }, (_, i) => add(i, 1_000)));
    expect(sums).toEqual(Array.from({ length: 200 }, (_, i) => i + 1_000));
  });

  test("sends back each of many orders whole", async () => {
    const { order } = await start();
    if (!order) return;
    const orders = Array.from({ length: 50 }, (_, i) => makeOrder(i));
    const answers = await Promise.all(orders.map((one) => order(one)));
    expect(answers.map((answer, i) => sameOrder(answer, makeOrder(i)))).toEqual(orders.map(() => true));
  });

  test("streams every item in its order, in each way that it has", async () => {
    const { iterate, push, stream } = await start();
    for (const read of [iterate, push]) {
      if (read === undefined) continue;
      expect(await read(1_000)).toBe(1_000);
    }
    if (!stream) return;
    const seen: number[] = [];
    for await (const { n } of stream(1_000)) seen.push(n);
    expect(seen).toEqual(Array.from({ length: 1_000 }, (_, i) => i + 1));
  });

  test("sends back more than most libraries allow by default as it was", async () => {
    const { echo } = await start();
    if (!echo) return;
    expect(Buffer.compare(await echo(fiveMebibytes), fiveMebibytes)).toBe(0);
  });

  test("answers others while calls are held, and closes with them", async () => {
    const { add, hold } = await start();
    let answered = 0;
    for (let i = 0; i < 100; i++)
      hold?.().then(
        () => answered++,
        () => {},
      );
    expect(await add(2, 3)).toBe(5);
    expect(answered).toBe(0);
  });
});
