import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { type RetryingFetchOptions, retryingFetch } from "../src/index.ts";

/** A server that answers the n-th request as the n-th of `answers` says, and the last one ever after. */
async function serving(...answers: ((request: IncomingMessage, response: ServerResponse) => void)[]) {
  const requests: { method: string | undefined; body: string }[] = [];
  const server: Server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => (body += text));
    request.on("end", () => {
      requests.push({ method: request.method, body });
      (answers[requests.length - 1] ?? answers.at(-1))?.(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const status =
  (code: number, headers: Record<string, string> = {}) =>
  (_: IncomingMessage, response: ServerResponse): void =>
    void response.writeHead(code, headers).end(`status ${code}`);
const reset = (request: IncomingMessage): void => void request.socket.resetAndDestroy();
const fast: RetryingFetchOptions = { backoff: { baseMs: 1, maxMs: 1 } };

test("a GET is tried again after 503 and after a reset, and resolves to the good response", async () => {
  await using server = await serving(status(503), reset, status(200));
  const response = await retryingFetch(fast)(server.url);
  expect(response.status).toBe(200);
  expect(await response.text()).toBe("status 200");
  expect(server.requests).toHaveLength(3);
});

test("like fetch it resolves to the last response, which can be read and is explained", async () => {
  await using server = await serving(status(503));
  const ask = retryingFetch(fast);
  const response = await ask(server.url);
  expect(response.status).toBe(503);
  expect(await response.text()).toBe("status 503");
  expect(ask.explain(response)).toMatchObject({ stopped: "attempts", attempts: [{ note: "status 503" }, {}, {}] });
});

test("what fetch rejects with is what it rejects with", async () => {
  await using server = await serving(reset);
  const ask = retryingFetch(fast);
  const error = await ask(server.url).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(TypeError);
  expect(ask.explain(error)?.attempts).toHaveLength(3);
});

describe("is not tried again:", () => {
  test.each([200, 301, 400, 401, 404, 500, 501])("status %i", async (code) => {
    await using server = await serving(status(code));
    expect((await retryingFetch(fast)(server.url, { redirect: "manual" })).status).toBe(code);
    expect(server.requests).toHaveLength(1);
  });

  test("a POST that may have been seen", async () => {
    await using server = await serving(reset);
    await expect(retryingFetch(fast)(server.url, { method: "POST", body: "x" })).rejects.toThrow("fetch failed");
    expect(server.requests).toHaveLength(1);
  });

  test("a body that can be read only once", async () => {
    await using server = await serving(status(503));
    const body = new Blob(["once"]).stream();
    const init = { method: "PUT", body, duplex: "half" } as RequestInit;
    expect((await retryingFetch(fast)(server.url, init)).status).toBe(503);
    const request = new Request(server.url, { method: "PUT", body: "in a Request it is a stream" });
    expect((await retryingFetch(fast)(request)).status).toBe(503);
    expect(server.requests).toHaveLength(2);
  });

  test("429 without Retry-After", async () => {
    await using server = await serving(status(429));
    expect((await retryingFetch(fast)(server.url)).status).toBe(429);
    expect(server.requests).toHaveLength(1);
  });

  test.each(["soon", "-1", "1.5", "99999"])("Retry-After: %s", async (after) => {
    await using server = await serving(status(503, { "Retry-After": after }));
    const ask = retryingFetch(fast);
    const response = await ask(server.url);
    expect(response.headers.get("retry-after")).toBe(after);
    expect(ask.explain(response)?.stopped).toBe("pushback");
    expect(server.requests).toHaveLength(1);
  });
});

describe("is tried again:", () => {
  test.each(["PUT", "DELETE", "HEAD", "OPTIONS"])("%s", async (method) => {
    await using server = await serving(status(503), status(200));
    expect((await retryingFetch(fast)(server.url, { method })).status).toBe(200);
  });

  test("a POST with an Idempotency-Key, with the same body", async () => {
    await using server = await serving(reset, status(200));
    const init = { method: "POST", body: "pay", headers: { "Idempotency-Key": "1" } };
    expect((await retryingFetch(fast)(server.url, init)).status).toBe(200);
    expect(server.requests.map(({ body }) => body)).toEqual(["pay", "pay"]);
  });

  test("a POST that found nobody listening", async () => {
    const { url } = await (async () => {
      await using server = await serving(status(200));
      return server;
    })();
    let asked = 0;
    const counting: typeof fetch = (input, init) => {
      asked++;
      return fetch(input, init);
    };
    await expect(retryingFetch({ ...fast, fetch: counting })(url, { method: "POST", body: "x" })).rejects.toThrow(
      "fetch failed",
    );
    expect(asked).toBe(3);
  });

  test.each([408, 425, 429, 502, 503, 504])("status %i with Retry-After: 0", async (code) => {
    await using server = await serving(status(code, { "Retry-After": "0" }), status(200));
    expect((await retryingFetch(fast)(server.url)).status).toBe(200);
  });

  test("Retry-After with a date that has passed", async () => {
    await using server = await serving(status(503, { "Retry-After": new Date(0).toUTCString() }), status(200));
    expect((await retryingFetch(fast)(server.url)).status).toBe(200);
  });

  test("an attempt that takes too long", async () => {
    await using server = await serving(() => {}, status(200));
    const response = await retryingFetch({ ...fast, attemptTimeoutMs: 800 })(server.url);
    expect(response.status).toBe(200);
  });
});

describe("aborting", () => {
  test("during back-off rejects with the reason, and asks no more", async () => {
    await using server = await serving(status(503));
    const abort = new AbortController();
    const reason = new Error("enough");
    const ask = retryingFetch({
      backoff: { baseMs: 60_000, maxMs: 60_000, jitter: "proportional" },
      onAttempt: () => abort.abort(reason),
    });
    await expect(ask(server.url, { signal: abort.signal })).rejects.toBe(reason);
    expect(server.requests).toHaveLength(1);
  });

  test("ends the reading of a body too", async () => {
    await using server = await serving((_, response) => void response.writeHead(200).write("begun"));
    const abort = new AbortController();
    const response = await retryingFetch(fast)(server.url, { signal: abort.signal });
    const text = response.text();
    abort.abort(new Error("enough"));
    await expect(text).rejects.toThrow("enough");
  });

  test("works with the signal of a Request", async () => {
    await using server = await serving(() => {});
    const abort = new AbortController();
    const request = new Request(server.url, { signal: abort.signal });
    const asked = retryingFetch({ ...fast, onAttempt: () => {} })(request);
    abort.abort();
    await expect(asked).rejects.toMatchObject({ name: "AbortError" });
  });
});
