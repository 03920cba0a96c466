import { heldCallsRow, idleConnectionsRow, slowReaderRow } from "./memory.ts";
import { besideCalls, besideConnections, serverProcesses } from "./scale.ts";
import type { Scenario } from "./scenario.ts";
import { startRow } from "./start.ts";
import { streamRow } from "./streams.ts";
import { echoRow, latencyRow, unaryRow } from "./unary.ts";

const mebibyte = 1024 * 1024;

export const scenarios: readonly Scenario[] = [
  {
    name: "s1",
    title: "One small call at a time",
    rows: [latencyRow("1", "1 in flight")],
  },
  {
    name: "s2",
    title: "Small unary calls",
    rows: [
      unaryRow("64", "64 in flight", { kind: "add", inFlight: 64 }),
      unaryRow("512", "512 in flight", { kind: "add", inFlight: 512 }),
    ],
  },
  {
    name: "s3",
    title: "An order of about 1 KiB there and back",
    rows: [unaryRow("64", "64 in flight", { kind: "order", inFlight: 64 })],
  },
  {
    name: "s4",
    title: "One server stream of small messages",
    rows: [streamRow("iterate", "read with for await"), streamRow("push", "read with callbacks"), slowReaderRow()],
  },
  {
    name: "s7",
    title: "Large unary calls there and back",
    rows: [
      echoRow("1-mib", "1 MiB, 4 in flight", { bytes: mebibyte, inFlight: 4 }),
      echoRow("16-mib", "16 MiB, 2 in flight", { bytes: 16 * mebibyte, inFlight: 2 }),
    ],
  },
  {
    name: "s8",
    title: "Heap, both ends",
    rows: [idleConnectionsRow(1_000), heldCallsRow(10_000)],
  },
  {
    name: "s11",
    title: "Start of a client's process to its first answer",
    rows: [startRow("bundled", "one bundled file"), startRow("unbundled", "libraries as npm installs them")],
  },
  {
    name: "scale",
    title: "Small unary calls",
    rows: [
      ...[0, 1_000, 10_000].map(besideConnections),
      ...[0, 10_000, 100_000].map(besideCalls),
      ...[1, 2].map(serverProcesses),
    ],
    contenders: ["net", "farcall-cbor", "ws-json", "grpc-js"],
  },
];
