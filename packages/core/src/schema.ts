import type { StandardSchemaV1 } from "@standard-schema/spec";

/** A validator of any library that follows https://standardschema.dev: zod, valibot, arktype and others. */
export type Schema<Input = unknown, Output = Input> = StandardSchemaV1<Input, Output>;

/** What the sender of a message gives. */
export type InputOf<S extends Schema> = StandardSchemaV1.InferInput<S>;
/** What the receiver of a message gets. */
export type OutputOf<S extends Schema> = StandardSchemaV1.InferOutput<S>;

/** One reason why a message is not valid. */
export interface ValidationIssue {
  /** Where, for example `items.3.price`; empty for the message itself. */
  readonly path: string;
  readonly message: string;
}

/** Thrown by `validate` (or what its promise rejects with). */
export class ValidationFailure extends Error {
  readonly issues: readonly ValidationIssue[];

  constructor(issues: readonly ValidationIssue[]) {
    super(issues.map((issue) => (issue.path === "" ? issue.message : `${issue.path}: ${issue.message}`)).join("; "));
    this.issues = issues;
  }
}

/**
 * The value as the schema outputs it. A validator that answers at once is never awaited, so the result is a promise
 * only when the validator returned one.
 * @throws ValidationFailure
 */
export function validate<O>(schema: Schema<unknown, O>, value: unknown): O | Promise<O> {
  const result = schema["~standard"].validate(value);
  if (result instanceof Promise) return result.then(valueOf<O>);
  // A promise of another realm or library, taken for a result, would let everything through as undefined.
  if (typeof (result as { then?: unknown }).then === "function") return Promise.resolve(result).then(valueOf<O>);
  return valueOf<O>(result);
}

// More issues than a person reads are cut off: the text crosses the network.
const maxIssues = 20;

function valueOf<O>(result: StandardSchemaV1.Result<O>): O {
  if (result.issues === undefined) return result.value;
  throw new ValidationFailure(
    result.issues.slice(0, maxIssues).map((issue) => ({
      path: (issue.path ?? []).map((part) => String(typeof part === "object" ? part.key : part)).join("."),
      message: issue.message,
    })),
  );
}

/**
 * A schema that checks nothing and costs nothing: types alone, for browsers where a validator would be most of the
 * bundle, or for peers that are trusted.
 */
export function type<T>(): Schema<T, T> {
  return { "~standard": { version: 1, vendor: "farcall", validate: (value) => ({ value: value as T }) } };
}
