import { createServer, type Server } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { connectHost, interleave } from "../src/happy-eyeballs.ts";
import { noMoreSockets, openSockets } from "./open-sockets.ts";

let server: Server;
let port: number;
// The runner may have pipes of its own.
const before = openSockets();
const never = new AbortController().signal;

beforeEach(async () => {
  server = createServer((socket) => socket.on("error", () => {}).resume());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as { port: number }).port;
});
afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  await noMoreSockets(before);
});

const at = (...addresses: string[]) => ({
  attemptDelayMs: 10_000,
  lookup: async () => addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
});

test("families take turns, beginning with the first", () => {
  const list = ["6a", "6b", "6c", "4a"].map((address) => ({ address, family: Number(address[0]) }));
  expect(interleave(list).map(({ address }) => address)).toEqual(["6a", "4a", "6b", "6c"]);
});

test("the next address starts at once when one fails", async () => {
  // Nobody listens on the other addresses of the loopback network.
  const socket = await connectHost({ host: "many", port }, never, at("127.0.0.2", "127.0.0.3", "127.0.0.1"));
  expect(socket.remoteAddress).toBe("127.0.0.1");
  socket.destroy();
});

test("the next address starts when one hangs, and the loser is destroyed", async () => {
  const { lookup } = at("192.0.2.255", "127.0.0.1");
  const socket = await connectHost({ host: "many", port }, never, { lookup, attemptDelayMs: 5 });
  expect(socket.remoteAddress).toBe("127.0.0.1");
  socket.destroy();
});

test("when all fail the error names each address and why", async () => {
  const connecting = connectHost({ host: "many", port }, never, at("127.0.0.2", "127.0.0.3"));
  await expect(connecting).rejects.toThrow(
    `could not connect to many:${port}: 127.0.0.2:${port} ECONNREFUSED, 127.0.0.3:${port} ECONNREFUSED`,
  );
  await expect(connecting).rejects.toMatchObject({ code: "ECONNREFUSED", cause: expect.any(AggregateError) });
});

test("a host without addresses is an error", async () => {
  await expect(connectHost({ host: "none", port }, never, at())).rejects.toThrow(`none:${port}: it has no address`);
});

test("an abort ends a lookup that hangs", async () => {
  const controller = new AbortController();
  const connecting = connectHost({ host: "slow", port }, controller.signal, {
    attemptDelayMs: 250,
    lookup: () => new Promise(() => {}),
  });
  controller.abort(new Error("given up"));
  await expect(connecting).rejects.toThrow("given up");
});

test("an abort ends attempts that hang", async () => {
  const controller = new AbortController();
  const { lookup } = at("192.0.2.255", "192.0.2.254");
  const connecting = connectHost({ host: "far", port }, controller.signal, { lookup, attemptDelayMs: 1 });
  await new Promise((resolve) => setTimeout(resolve, 5));
  controller.abort(new Error("given up"));
  await expect(connecting).rejects.toThrow("given up");
});
