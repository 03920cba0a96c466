import { setTimeout } from "node:timers/promises";
import { WrongReply } from "./wrong-reply.ts";

/** Reads a stream, a message a millisecond. */
export class SlowReader {
  readonly #reading: Promise<number>;
  #stopped = false;

  constructor(stream: AsyncIterable<{ n: number }>) {
    this.#reading = this.#read(stream);
    this.#reading.catch(() => {});
  }

  /** Leaves the stream. Resolves to how many messages were read. */
  stop(): Promise<number> {
    this.#stopped = true;
    return this.#reading;
  }

  async #read(stream: AsyncIterable<{ n: number }>): Promise<number> {
    let seen = 0;
    for await (const { n } of stream) {
      if (n !== ++seen) throw new WrongReply(`message ${n} of a stream came after message ${seen - 1}`);
      if (this.#stopped) break;
      await setTimeout(1);
    }
    return seen;
  }
}
