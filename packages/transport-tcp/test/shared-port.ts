import { type ChildProcess, fork } from "node:child_process";
import cluster from "node:cluster";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { afterEach } from "vitest";

const file = fileURLToPath(new URL("shared-port-server.ts", import.meta.url));

/** One of several servers on a port. */
interface SharedPortServer {
  readonly address: string;
  readonly id: string;
  tell(message: string): void;
  /** The next message of this content. */
  says(message: string): Promise<void>;
  readonly ended: Promise<number | null>;
  kill(): void;
}

interface SharedPortOptions {
  readonly port?: number;
  readonly path?: string;
  readonly reusePort?: boolean;
}

const running: SharedPortServer[] = [];
afterEach(async () => {
  for (const one of running) one.kill();
  await Promise.all(running.splice(0).map(({ ended }) => ended));
});

type Start = (options: SharedPortOptions) => Promise<SharedPortServer>;

/** Three ways to have several servers on one port. */
export const ways: Record<"processes" | "threads" | "cluster", Start> = {
  processes: (options) => ofProcess(fork(file, [JSON.stringify({ reusePort: true, ...options })], { execArgv: [] })),
  threads: (options) => ofThread(new Worker(file, { argv: [JSON.stringify({ reusePort: true, ...options })] })),
  cluster: (options) => {
    cluster.setupPrimary({ exec: file, args: [JSON.stringify(options)], execArgv: [] });
    return ofProcess(cluster.fork().process);
  },
};

async function ofProcess(child: ChildProcess): Promise<SharedPortServer> {
  const hears = (told: (message: unknown) => boolean): Promise<void> => heard(child, told);
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  return begun(
    hears,
    ended,
    (message) => child.send(message),
    () => void child.kill("SIGKILL"),
  );
}

async function ofThread(thread: Worker): Promise<SharedPortServer> {
  const hears = (told: (message: unknown) => boolean): Promise<void> => heard(thread, told);
  const ended = new Promise<number>((resolve) => thread.once("exit", resolve));
  return begun(
    hears,
    ended,
    (message) => thread.postMessage(message),
    () => void thread.terminate(),
  );
}

async function begun(
  hears: (told: (message: unknown) => boolean) => Promise<void>,
  ended: Promise<number | null>,
  tell: (message: string) => void,
  kill: () => void,
): Promise<SharedPortServer> {
  let listening = { address: "", id: "" };
  const listens = hears((message) => {
    listening = message as typeof listening;
    return true;
  });
  const failed = ended.then((status) => {
    throw new Error(`a server ended with ${status} before it listened`);
  });
  await Promise.race([listens, failed]);
  failed.catch(() => {});
  const server = {
    ...listening,
    tell,
    kill,
    ended,
    says: (expected: string) => hears((message) => message === expected),
  };
  running.push(server);
  return server;
}

function heard(from: ChildProcess | Worker, told: (message: unknown) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const listener = (message: unknown): void => {
      if (!told(message)) return;
      from.off("message", listener);
      resolve();
    };
    from.on("message", listener);
  });
}
