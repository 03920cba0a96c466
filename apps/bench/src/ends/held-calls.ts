import type { BenchClient } from "../contender.ts";

/** How many calls may be on their way to the server before it has said that it lives. */
const atOnce = 1_000;

/** Starts calls that stay open, and resolves once the server has them. */
export async function holdCalls(client: BenchClient, count: number): Promise<void> {
  for (let held = 0; held < count; held++) {
    client.hold?.().catch(() => {}); // they end with the connection
    if (held % atOnce === atOnce - 1) await client.add(held, 1);
  }
  await client.add(count, 1);
}
