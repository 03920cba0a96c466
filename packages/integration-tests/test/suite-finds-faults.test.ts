import { json } from "@farcall/codec/json";
import { type ClientTransport, type RequestSink, type ResponseSink, RpcError } from "@farcall/core";
import { transportCompliance } from "@farcall/core/compliance";
import { memory } from "@farcall/transport-memory";
import { expect, test } from "vitest";

type Wrap = (requests: RequestSink, responses: ResponseSink) => RequestSink;

/** What a transport does wrong, in what it hands to the caller or in what it takes, and the test that must notice. */
interface Fault {
  readonly responses?: (responses: ResponseSink) => Partial<ResponseSink>;
  readonly requests?: Wrap;
  readonly noticedBy: string;
}

const late = (error: RpcError): RpcError =>
  new RpcError(error.code, error.rawMessage, { processed: "no", remote: true });

const faults: Record<string, Fault> = {
  "two messages change places": {
    responses(responses) {
      let held: unknown;
      let holding = false;
      return {
        message(value) {
          if ((holding = !holding)) held = value;
          else return responses.message(value) && responses.message(held);
          return true;
        },
      };
    },
    noticedBy: "keeps the order of thousands of messages, each way",
  },
  "a message is lost": {
    responses(responses) {
      let count = 0;
      return { message: (value) => ++count === 3 || responses.message(value) };
    },
    noticedBy: "carries the four kinds of call",
  },
  "the end comes twice": {
    responses: (responses) => ({
      end(error, trailers) {
        responses.end(error, trailers);
        responses.end(error, trailers);
      },
    }),
    noticedBy: "ends a call exactly once, and delivers nothing after it",
  },
  "a message comes after the end": {
    responses: (responses) => ({
      end(error, trailers) {
        responses.end(error, trailers);
        responses.message("late");
      },
    }),
    noticedBy: "ends a call exactly once, and delivers nothing after it",
  },
  "a full reader is not told to the peer": {
    responses: (responses) => ({ message: (value) => (responses.message(value), true) }),
    noticedBy: "a slow reader bounds what a server can send, and nothing is dropped",
  },
  "a sender always has room": {
    requests: (requests) => ({ message: (value, last) => (requests.message(value, last), true) }) as RequestSink,
    noticedBy: "a slow reader bounds what a client can send, and nothing is dropped",
  },
  "the header is lost": {
    responses: () => ({ header() {} }),
    noticedBy: "the header comes before the first message, the trailer at the end",
  },
  "the trailers are lost": {
    responses: (responses) => ({ end: (error) => responses.end(error, undefined) }),
    noticedBy: "metadata crosses both ways: several values, bytes, the empty text",
  },
  "nothing was ever processed": {
    responses: (responses) => ({ end: (error, trailers) => responses.end(error && late(error), trailers) }),
    noticedBy: "every status crosses with its message and trailers",
  },
  "details are lost": {
    responses: (responses) => ({ end: (error, trailers) => responses.end(error && late(error), trailers) }),
    noticedBy: "details, pushback and processed cross; an exception's text does not",
  },
};

test.each(Object.entries(faults))("the suite notices when %s", async (_, fault) => {
  const bodies = new Map<string, () => void | Promise<void>>();
  transportCompliance(
    { describe: (_name, body) => body(), test: (name, body) => bodies.set(name, body) },
    {
      name: "faulty",
      codec: json(),
      create(limits) {
        const link = memory({ client: { limits, backoff: { initialMs: 5, maxMs: 20 } } });
        return { server: () => link.server, client: () => faulty(link.client, fault) };
      },
    },
  );
  const body = bodies.get(fault.noticedBy);
  expect(body).toBeDefined();
  await expect(Promise.resolve(body?.())).rejects.toThrow(/expected|has sent all/);
});

function faulty(transport: ClientTransport, fault: Fault): ClientTransport {
  return {
    address: transport.address,
    handle(call, responses) {
      const through: ResponseSink = {
        header: (metadata) => responses.header(metadata),
        message: (value) => responses.message(value),
        end: (error, trailers) => responses.end(error, trailers),
        ready: () => responses.ready(),
        ...fault.responses?.(responses),
      };
      const requests = transport.handle(call, through);
      return {
        message: (value, last) => requests.message(value, last),
        end: () => requests.end(),
        cancel: (error) => requests.cancel(error),
        ready: () => requests.ready(),
        progress: () => requests.progress(),
        ...fault.requests?.(requests, responses),
      };
    },
    close: (options) => transport.close(options),
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  };
}
