import type { Column, Figures } from "../scenarios/scenario.ts";

/** What a run measured: what `--json` writes. */
export interface Results {
  readonly version: 1;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly options: RunOptions;
  readonly machine: Machine;
  readonly contenders: Readonly<Record<string, ContenderInfo>>;
  readonly scenarios: readonly ScenarioResult[];
  /** What was not measured, for people. */
  readonly leftOut: readonly string[];
}

interface RunOptions {
  readonly rounds: number;
  readonly roundMs: number;
  readonly warmUpMs: number;
  readonly quick: boolean;
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly platform: string;
  readonly node: string;
  /** The cores of each end; null when the system placed them. */
  readonly pinned: { readonly servers: readonly number[]; readonly client: number } | null;
  /** The system's load average over a minute when the run began, or 0 where there is none. */
  readonly loadAverage: number;
}

export interface ContenderInfo {
  readonly wire: string;
  readonly codec: string;
  /** Version by package. */
  readonly packages: Readonly<Record<string, string>>;
}

export interface ScenarioResult {
  readonly name: string;
  readonly title: string;
  readonly rows: readonly RowResult[];
}

export interface RowResult {
  readonly name: string;
  readonly title: string;
  readonly columns: readonly Column[];
  readonly results: readonly ContenderResult[];
}

/** No rounds and no error: the contender has no such call. */
export interface ContenderResult {
  readonly contender: string;
  readonly rounds: readonly Figures[];
  readonly error?: string;
}
