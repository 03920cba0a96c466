import { retryingFetch, retryPolicy, withRetry } from "@farcall/retry-policy";

// Any function. A policy holds a budget, which everything that it is used for shares.
const policy = retryPolicy({ attempts: 4, attemptTimeoutMs: 2_000 });
let calls = 0;
const answer = await withRetry(
  policy,
  async ({ attempt, signal }) => {
    signal.throwIfAborted();
    if (++calls < 3) throw new Error("not yet");
    return `answered in attempt ${attempt}`;
  },
  { signal: AbortSignal.timeout(10_000) },
);
console.log(answer); // answered in attempt 3

// fetch. Like fetch it resolves to the last response, whatever its status.
const ask = retryingFetch({
  fetch: async () => new Response("hello", { status: ++calls < 5 ? 503 : 200 }),
});
const response = await ask("https://example.com/");
console.log(response.status, await response.text()); // 200 hello
