import { gatedWriter, type MessageWriter, type Messages, pump, type RoomGate } from "./message-writer.ts";
import { RpcError } from "./rpc-error.ts";
import type { RequestSink } from "./transport.ts";

/** What a caller gives as a stream of requests: something that yields them, or a function that pushes them. */
export type Requests<T> = Messages<T> | ((out: MessageWriter<T>) => void | Promise<void>);

/** Sends what the caller gives, and half-closes after the last. What it throws cancels the call. @internal */
export function sendRequests(
  requests: Requests<unknown>,
  gate: RoomGate,
  sink: RequestSink | undefined,
  fail: (error: RpcError) => void,
): void {
  if (sink === undefined) return gate.close(undefined);
  const send = (message: unknown): boolean => gate.ended || sink.message(message, false);
  const failed = (error: unknown): void =>
    fail(
      new RpcError("CANCELLED", `the caller's requests ended with an error: ${(error as Error)?.message ?? error}`, {
        cause: error,
      }),
    );
  const done = (): void => {
    if (!gate.ended) sink.end();
  };
  if (typeof requests !== "function") {
    pump(requests, gate, send).then(done, failed);
    return;
  }
  try {
    Promise.resolve(requests(gatedWriter(gate, send))).then(done, (error) => (gate.ended ? undefined : failed(error)));
  } catch (error) {
    failed(error);
  }
}
