import type { Pair, PairOptions } from "../run/pair.ts";

/** One figure of a row. */
export interface Column {
  readonly key: string;
  readonly title: string;
  /** Which is better. */
  readonly better: "more" | "less";
  /** What the figure is divided by to be printed. Default 1. */
  readonly unit?: number;
}

/** How long things are measured. */
export interface Durations {
  readonly rounds: number;
  readonly roundMs: number;
  readonly warmUp: { readonly ms: number; readonly calls: number; readonly maxMs: number };
  /** Rounds are shortened so that the last ends by then, on the clock of `performance.now()`. Default: never. */
  readonly endBy?: number;
}

/** The figures of one round, by the columns' keys; what else is in them is only for the JSON. */
export type Figures = Readonly<Record<string, number>>;

/** One thing that is measured of every contender. */
export interface Row {
  readonly name: string;
  readonly title: string;
  /** Ratios and charts are made of the first. */
  readonly columns: readonly Column[];
  /** Rows of one scenario with equal options share their processes. */
  readonly pair?: PairOptions;
  /**
   * A short round that does not count comes before each that does: processes that waited for their turn have lost their
   * caches and, where the system takes idle memory back, that too.
   */
  readonly settles?: true;
  /** Each round has processes of its own. */
  readonly fresh?: true;
  /** Sockets that one process needs. */
  readonly openFiles?: number;
  /** Before the first round; of a fresh row before each. */
  warmUp?(pair: Pair, durations: Durations): Promise<void>;
  /** Undefined when the contender cannot do it. */
  round(pair: Pair, durations: Durations): Promise<Figures | undefined>;
}

export interface Scenario {
  /** What `--scenario` knows it by. */
  readonly name: string;
  readonly title: string;
  readonly rows: readonly Row[];
  /** Whom it is about, unless `--only` says otherwise. Default: all. */
  readonly contenders?: readonly string[];
}
