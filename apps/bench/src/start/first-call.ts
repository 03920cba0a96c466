import type { Contender } from "../contender.ts";

/** All that a client of the start-up scenario does: connect, call once, say what came. */
export async function callOnce({ connect }: Pick<Contender, "connect">): Promise<void> {
  const client = await connect(Number(process.argv[2]));
  process.stdout.write(`${await client.add(40, 2)}\n`);
}
