import { inspect } from "node:util";

/** Something that happened to the call that is followed. */
export interface Moment {
  /** 1 to 9; see README.md. */
  readonly step: number;
  /** µs on the machine's monotonic clock, which is the same for all of its processes. */
  readonly atUs: number;
  readonly where: string;
  readonly text: string;
  /** The bytes that are spoken of, hexadecimal. */
  readonly hex?: string | undefined;
}

interface Note {
  readonly step: number;
  readonly where: string;
  readonly text: string;
  readonly value?: unknown;
  readonly bytes?: Uint8Array;
}

/** Keeps the moments of one call in one process. */
export class Recorder {
  #notes: (Note & { atUs: number })[] = [];

  note(note: Note): void {
    this.#notes.push({ ...note, atUs: Number(process.hrtime.bigint()) / 1_000 });
  }

  /** What was kept; from here on it begins anew. Only now is it made readable, which takes longer than the call. */
  take(): Moment[] {
    return this.#notes.splice(0).map(({ step, atUs, where, text, value, bytes }) => ({
      step,
      atUs,
      where,
      text: value === undefined ? text : `${text}: ${inspect(value)}`,
      hex: bytes && Buffer.from(bytes).toString("hex"),
    }));
  }
}
