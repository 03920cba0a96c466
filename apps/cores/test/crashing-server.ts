// Says that it listens, and crashes.
import { parentPort } from "node:worker_threads";

parentPort?.postMessage({ address: "127.0.0.1:1" });
setImmediate(() => {
  throw new Error("crashed on purpose");
});
