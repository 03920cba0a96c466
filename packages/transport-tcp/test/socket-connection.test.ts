import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SocketConnection } from "../src/socket-connection.ts";
import { open } from "./ends.ts";

let server: Server;
let remote: Socket;
let local: SocketConnection;

// A peer that doesn't end its side by itself, and reads only when told to.
beforeEach(async () => {
  server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, "127.0.0.1");
  const accepted = new Promise<Socket>((resolve) => server.once("connection", resolve));
  await new Promise((resolve) => server.once("listening", resolve));
  const socket = connect((server.address() as { port: number }).port, "127.0.0.1");
  await new Promise((resolve) => socket.once("connect", resolve));
  local = new SocketConnection(socket, { address: "peer", transport: "tcp" }, { lingerMs: 30 });
  remote = (await accepted).on("error", () => {});
});
afterEach(async () => {
  remote.destroy();
  await new Promise((resolve) => server.close(resolve));
});

test("close doesn't wait for ever for a peer that keeps its side open", async () => {
  const { closed } = open(local);
  remote.resume();
  local.write(new Uint8Array(10));
  local.close();
  expect(await closed).toBeUndefined();
});

test("close doesn't wait for ever for a peer that keeps talking", async () => {
  const { closed } = open(local);
  remote.resume();
  const talking = setInterval(() => remote.write("still here"), 5);
  local.close();
  expect(await closed).toBeUndefined();
  clearInterval(talking);
});

test("close doesn't wait for ever for a peer that takes nothing", async () => {
  const { closed } = open(local);
  local.write(new Uint8Array(32 * 2 ** 20));
  local.close();
  expect(String(await closed)).toMatch(/peer did not take what was sent/);
});

test("a peer that ends its side first still gets what was written", async () => {
  const { closed } = open(local);
  let received = 0;
  local.write(new Uint8Array(8 * 2 ** 20));
  remote.end();
  remote.on("data", (chunk) => (received += chunk.length)).resume();
  expect(await closed).toBeUndefined();
  await expect.poll(() => received).toBe(8 * 2 ** 20);
});

test("a peer that ends its side and takes nothing is given up", async () => {
  const { closed } = open(local);
  local.write(new Uint8Array(32 * 2 ** 20));
  remote.end();
  expect(String(await closed)).toMatch(/peer did not take what was sent/);
});

test("a reset is reported, also when it comes before open", async () => {
  remote.resetAndDestroy();
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(await open(local).closed).toMatchObject({ code: "ECONNRESET" });
});
