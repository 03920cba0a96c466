import type { Connection } from "../../src/index.ts";
import { decodeAll, encode, type Frame, messagesOf, preface } from "./frame-text.ts";
import { until } from "./until.ts";

export const clientHello: Frame = {
  kind: "hello",
  lowestVersion: 1,
  highestVersion: 1,
  capabilities: 0,
  callCredit: 262144,
  connectionCredit: 1048576,
  maxMessageBytes: 4194304,
  maxMetadataBytes: 16384,
  maxCalls: 0,
  codecs: [],
  features: [],
  metadata: [],
};
export const serverHello: Frame = { ...clientHello, maxCalls: 10_000, codecs: ["json"] };

/** An end that says exactly what a test wants and writes down what it hears. */
export class RawPeer {
  readonly connection: Connection;
  closed = false;
  error: Error | undefined;
  #received: Uint8Array[] = [];
  receivedBytes = 0;

  constructor(connection: Connection) {
    this.connection = connection;
    connection.open({
      data: (chunk) => {
        this.#received.push(Uint8Array.from(chunk));
        this.receivedBytes += chunk.length;
      },
      drained: () => {},
      closed: (error) => {
        this.closed = true;
        this.error = error;
      },
    });
  }

  get bytes(): Uint8Array {
    return Buffer.concat(this.#received);
  }

  /** The frames that came, the preface left out. */
  get frames(): Frame[] {
    return decodeAll(this.bytes.subarray(8));
  }

  of(kind: string): any[] {
    return this.frames.filter((frame) => frame.kind === kind);
  }

  /** The messages of one call that have come whole. */
  messages(call: number): string[] {
    return messagesOf(this.frames, call);
  }

  /** The statuses of one call. */
  statuses(call: number): any[] {
    return this.of("status").filter((frame) => frame.call === call);
  }

  raw(bytes: Uint8Array | string): this {
    this.connection.write(typeof bytes === "string" ? Buffer.from(bytes, "hex") : bytes);
    return this;
  }

  send(...frames: Frame[]): this {
    return this.raw(Buffer.concat(frames.map(encode)));
  }

  greet(hello: Frame = clientHello): this {
    return this.raw(preface).send(hello);
  }

  async heard(kind: string, count = 1): Promise<any> {
    await until(() => this.of(kind).length >= count || this.closed, `${count} ${kind} arrive`);
    const frame = this.of(kind)[count - 1];
    if (frame === undefined) throw new Error(`closed before ${count} ${kind}: ${JSON.stringify(this.frames)}`);
    return frame;
  }

  async status(call: number): Promise<any> {
    await until(() => this.statuses(call).length > 0 || this.closed, `the status of call ${call}`);
    return this.statuses(call).at(-1);
  }

  /** The connection ends with this code in a goAway. */
  async ends(): Promise<any> {
    await until(() => this.closed, "the connection ends");
    return this.of("goAway").at(-1);
  }
}
