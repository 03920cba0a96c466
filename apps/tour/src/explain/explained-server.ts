import { createServer, type IncomingCall, type Server, serverInterceptor } from "farcall";
import { codecs } from "../codecs.ts";
import { followed, Recording } from "./contract.ts";
import { explainedCodec } from "./explained-codec.ts";
import { Recorder } from "./recorder.ts";

/** A server that keeps what it sees of a call. The seam: an interceptor is hooks and the name of the stage they belong to. */
export function explainedServer(): Server {
  const recorder = new Recorder();
  const isFollowed = (call: IncomingCall): boolean => call.method.fullName === followed.fullName;

  const arrival = serverInterceptor("explain-arrival", "trace", {
    start(call) {
      if (!isFollowed(call)) return;
      recorder.take();
      recorder.note({ step: 4, where: "server", text: `receives the frame, from ${call.peer.address}` });
      recorder.note({ step: 5, where: "server", text: `finds the handler of ${call.method.fullName}` });
    },
  });
  const run = serverInterceptor("explain-run", "handler", {
    request(message, call) {
      if (isFollowed(call)) recorder.note({ step: 6, where: "handler", text: "runs" });
      return message;
    },
  });

  const server = createServer({
    codecs: Object.values(codecs).map((codec) => explainedCodec(codec, "server", recorder)),
    use: [arrival, run],
  });
  return server.add(Recording, { take: () => ({ moments: recorder.take() }) });
}
