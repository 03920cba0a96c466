/**
 * The two functions that a compliance suite needs of a test runner. Those of vitest, Jest, Mocha, `node:test` and
 * Bun fit as they are: `codecCompliance({ describe, test }, …)`.
 */
export interface TestRunner {
  /** Groups what `body` declares, which it does before it returns. */
  describe(name: string, body: () => void): unknown;
  /** Declares a test. It fails when `body` throws or rejects. */
  test(name: string, body: () => void | Promise<void>): unknown;
}
