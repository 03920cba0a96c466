import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** A server in a process of its own. */
export interface ServerProcess {
  readonly address: string;
  readonly pid: number;
  /** Resolves when the process is gone. */
  stop(): Promise<void>;
}

/** Starts `server.ts` and waits until it listens. The server ends when this process does, however that happens. */
export async function startServer(args: readonly string[]): Promise<ServerProcess> {
  const file = fileURLToPath(new URL("server.ts", import.meta.url));
  const child = fork(file, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const gone = once(child, "exit");
  const failed = gone.then(() => {
    throw new Error("the server process ended before it listened");
  });
  const [message] = (await Promise.race([once(child, "message"), failed])) as [{ address: string }];
  failed.catch(() => {});

  return {
    address: message.address,
    pid: child.pid as number,
    async stop() {
      if (child.connected) child.disconnect();
      const impatient = setTimeout(() => child.kill("SIGKILL"), 2_000);
      await gone;
      clearTimeout(impatient);
    },
  };
}
