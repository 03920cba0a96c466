import { type ChildProcess, fork } from "node:child_process";
import cluster from "node:cluster";
import { Worker } from "node:worker_threads";

/** One of several servers on a port, as its supervisor sees it. */
export interface StartedServer {
  readonly name: string;
  /** Where it accepts connections, once it does; rejects when it ends before. */
  readonly listening: Promise<string>;
  /** How it ended, for people. */
  readonly ended: Promise<string>;
  /** Asks it to finish its calls and end. */
  drain(): void;
  /** Ends it now. */
  kill(): void;
}

/** Starts a server on a port; with 0, its address says which it took. */
export type StartServer = (port: number) => StartedServer;

export const modes = ["cluster", "reuse-port", "threads"] as const;
export type Mode = (typeof modes)[number];

/** Starts `file` with `args` in the way of a mode. */
export function serverStarter(mode: Mode, file: string, args: readonly string[]): StartServer {
  switch (mode) {
    case "cluster": {
      // The primary has one socket for port 0, and would open another for the port that it became.
      let asked: number | undefined;
      return (port) => {
        asked ??= port;
        cluster.setupPrimary({ exec: file, args: [...args, "--port", String(asked)] });
        return ofProcess(cluster.fork().process);
      };
    }
    case "reuse-port":
      return (port) => ofProcess(fork(file, [...args, "--port", String(port), "--reuse-port"]));
    case "threads":
      return (port) => ofThread(new Worker(file, { argv: [...args, "--port", String(port), "--reuse-port"] }));
  }
}

function ofProcess(child: ChildProcess): StartedServer {
  const ended = new Promise<string>((resolve) => {
    child.once("exit", (status, signal) => resolve(signal === null ? `status ${status}` : signal));
    // It could not be started at all.
    child.on("error", (error) => resolve(error.message));
  });
  return {
    name: `process ${child.pid}`,
    listening: firstAddress(child, ended),
    ended,
    drain() {
      // It may have ended a moment ago.
      if (child.connected) child.send("drain", () => {});
    },
    kill: () => void child.kill("SIGKILL"),
  };
}

function ofThread(thread: Worker): StartedServer {
  const ended = new Promise<string>((resolve) => {
    // Uncaught in the thread; its exit follows.
    thread.once("error", (error) => resolve((error as Error).message));
    thread.once("exit", (status) => resolve(`status ${status}`));
  });
  return {
    name: `thread ${thread.threadId}`,
    listening: firstAddress(thread, ended),
    ended,
    drain: () => thread.postMessage("drain"),
    kill: () => void thread.terminate(),
  };
}

function firstAddress(server: ChildProcess | Worker, ended: Promise<string>): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once("message", (message: { readonly address: string }) => resolve(message.address));
    void ended.then((how) => reject(new Error(`it ended before it listened: ${how}`)));
  });
}
