import { type Schema, validate } from "./schema.ts";

/** Where validated messages go. */
export interface ValidationTarget {
  /** A valid message, as the schema outputs it. Returns whether there is room for more. */
  accept(output: unknown): boolean;
  /** A message that is not valid. Nothing follows it. */
  invalid(error: unknown): void;
  /** Room again, after `message` returned false. */
  relieved(): void;
}

/**
 * Validates the messages of one stream in order. A validator that answers at once costs nothing more; one that returns
 * a promise holds back what comes behind it.
 */
export class ValidationQueue {
  readonly #schema: Schema;
  readonly #target: ValidationTarget;
  /** Made when the first message has to wait. */
  #backlog: unknown[] | undefined = undefined;
  /** Where the backlog goes on: taking the first of a long array out would move all others. */
  #head = 0;
  #busy = false;
  #stopped = false;
  #after: (() => void) | undefined = undefined;

  constructor(schema: Schema, target: ValidationTarget) {
    this.#schema = schema;
    this.#target = target;
  }

  /** Takes a message; returns whether there is room for more. */
  message(value: unknown): boolean {
    if (this.#stopped) return true;
    if (this.#busy) {
      (this.#backlog ??= []).push(value);
      return false;
    }
    let output: unknown;
    try {
      output = validate(this.#schema, value);
    } catch (error) {
      this.#fail(error);
      return true;
    }
    if (!(output instanceof Promise)) return this.#target.accept(output);
    this.wait(output);
    return false;
  }

  /** Holds back what comes until a validator has answered. */
  wait(output: Promise<unknown>): void {
    this.#busy = true;
    output.then(
      (value) => this.#validated(value),
      (error) => this.#fail(error),
    );
  }

  /** Runs `action` when everything before it has been accepted: at once, unless a validator is at work. */
  afterwards(action: () => void): void {
    if (this.#stopped) return;
    if (this.#busy) this.#after = action;
    else action();
  }

  /** Nobody wants the rest. */
  stop(): void {
    this.#stopped = true;
    this.#backlog = undefined;
    this.#head = 0;
    this.#after = undefined;
  }

  #validated(output: unknown): void {
    this.#busy = false;
    if (this.#stopped) return;
    let room = this.#target.accept(output);
    while (!this.#busy && this.#backlog !== undefined) room = this.message(this.#next(this.#backlog));
    if (this.#busy || this.#stopped) return;
    if (room) this.#target.relieved();
    this.#after?.();
  }

  #next(backlog: unknown[]): unknown {
    const value = backlog[this.#head];
    backlog[this.#head++] = undefined;
    if (this.#head === backlog.length) {
      this.#backlog = undefined;
      this.#head = 0;
    }
    return value;
  }

  #fail(error: unknown): void {
    if (this.#stopped) return;
    this.stop();
    this.#target.invalid(error);
  }
}
