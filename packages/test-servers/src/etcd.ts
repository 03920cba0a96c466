import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { debianProgram } from "./debian-package.ts";

/** An etcd for tests. */
export interface EtcdServer extends AsyncDisposable {
  readonly url: string;
  /** Its process; undefined for one that was there before. */
  readonly child: ChildProcess | undefined;
  /** Kills it, and starts it anew with the same data at the same address. */
  restart(): Promise<void>;
  kill(): Promise<void>;
}

/** Where an etcd can be had from, or why it can't. */
export type EtcdSource = { readonly start: () => Promise<EtcdServer> } | { readonly missing: string };

const startMs = 20_000;

/** The etcd at `ETCD_URL`, else the one installed, else Debian's, started privately on the loopback interface. */
export async function etcdSource(): Promise<EtcdSource> {
  const url = process.env["ETCD_URL"];
  if (url !== undefined && url !== "") return { start: async () => existing(url) };
  const program = await debianProgram("etcd", "etcd-server");
  return "missing" in program ? program : { start: () => startEtcd(program.path) };
}

function existing(url: string): EtcdServer {
  const notOurs = async (): Promise<void> => {
    throw new Error("the etcd of ETCD_URL is not ours to stop");
  };
  return { url, child: undefined, restart: notOurs, kill: notOurs, async [Symbol.asyncDispose]() {} };
}

async function startEtcd(path: string): Promise<EtcdServer> {
  const data = mkdtempSync(join(tmpdir(), "farcall-etcd-"));
  const [port, peerPort] = await freePorts();
  const url = `http://127.0.0.1:${port}`;
  const peer = `http://127.0.0.1:${peerPort}`;
  let child: ChildProcess;
  const start = async (): Promise<void> => {
    child = spawn(
      path,
      [
        "--name=test",
        `--data-dir=${data}`,
        `--listen-client-urls=${url}`,
        `--advertise-client-urls=${url}`,
        `--listen-peer-urls=${peer}`,
        `--initial-advertise-peer-urls=${peer}`,
        `--initial-cluster=test=${peer}`,
        "--log-level=error",
        "--heartbeat-interval=50",
        "--election-timeout=250",
      ],
      { stdio: "ignore" },
    );
    await answering(url, child);
  };
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  };
  await start();
  return {
    url,
    get child() {
      return child;
    },
    kill,
    async restart() {
      await kill();
      await start();
    },
    async [Symbol.asyncDispose]() {
      await kill();
      rmSync(data, { recursive: true, force: true });
    },
  };
}

/** Waits until it says that it is healthy. */
async function answering(url: string, child: ChildProcess): Promise<void> {
  const giveUpAt = Date.now() + startMs;
  for (;;) {
    const healthy = await fetch(`${url}/health`).then(
      async (response) => ((await response.json()) as { health?: string }).health === "true",
      () => false,
    );
    if (healthy) return;
    if (child.exitCode !== null) throw new Error(`etcd ended with ${child.exitCode}`);
    if (Date.now() > giveUpAt) throw new Error(`etcd has not answered within ${startMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Two ports that nobody uses: etcd can't say which one it took. */
async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()];
  for (const server of servers) await once(server.listen(0, "127.0.0.1"), "listening");
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  for (const server of servers) await once(server.close(), "close");
  return ports as [number, number];
}
