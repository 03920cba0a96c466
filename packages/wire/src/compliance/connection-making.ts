import type { Connection } from "../connection.ts";
import type { RigTest } from "./connection-rig.ts";
import { check, turn, until } from "./until.ts";

/** How connections come to be, or don't. */
export function connectionMaking(test: RigTest): void {
  test("both ends say who the peer is", async (rig) => {
    const { client, server } = await rig.pair();
    for (const { connection } of [client, server]) {
      check(connection.peer.address.length > 0, "peer.address is empty");
      check(connection.peer.transport.length > 0, "peer.transport is empty");
    }
    check(rig.connector.address.length > 0 && rig.bound.address.length > 0, "an address is empty");
  });

  test("connecting where nobody listens rejects", async (rig) => {
    await rig.bound.close();
    const error = await rig.connect().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    check(error instanceof Error, "connect didn't reject with an Error");
  });

  test("closing the listener twice is closing it once", async (rig) => {
    await Promise.all([rig.bound.close(), rig.bound.close()]);
    await rig.bound.close();
  });

  test("connections outlive their listener", async (rig) => {
    const { client, server } = await rig.pair();
    await rig.bound.close();
    await client.send(1_000);
    await server.send(1_000);
    await until(
      () => client.received === 1_000 && server.received === 1_000,
      "bytes arrive after the listener's close",
    );
  });

  test("connecting with an aborted signal rejects", async (rig) => {
    const result = await outcome(rig.connector.connect(AbortSignal.abort(new Error("given up"))));
    check(result === "rejected", "connect resolved although its signal was aborted");
  });

  test("aborting at any moment of connecting leaves nothing behind", async (rig) => {
    for (let turns = 0; turns < 8; turns++) {
      const controller = new AbortController();
      const connecting = outcome(rig.connector.connect(controller.signal));
      for (let i = 0; i < turns; i++) await (turns < 4 ? Promise.resolve() : turn());
      controller.abort(new Error("given up"));
      const result = await connecting;
      if (result !== "rejected") {
        result.open({ data() {}, drained() {}, closed() {} });
        result.destroy();
      }
    }
    // Some may have got through before the abort; they must end by themselves, and others must still get through.
    const client = (await rig.connect()).open();
    client.writeNext(1);
    let arrived = 0;
    let open = 0;
    await until(() => {
      for (const connection of rig.waiting.splice(0)) {
        open++;
        connection.open({ data: (chunk) => (arrived += chunk.length), drained() {}, closed: () => open-- });
      }
      return arrived === 1 && open === 1;
    }, "aborted connections end and others get through");
    client.destroy();
    await until(() => open === 0, "the last one ends");
  });
}

function outcome(connecting: Promise<Connection>): Promise<Connection | "rejected"> {
  return connecting.catch(() => "rejected" as const);
}
