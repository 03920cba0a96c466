// Gets the pinned pnpm and the pinned Node with nothing but the Node and npm of the machine.
// Runs before anything is installed, on Node 20 or newer: no imports but Node's own.
// The package.json scripts that come here begin with `exec`, or a signal sent to npm would end with its shell.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * Installs what `app` (a folder in apps/) needs to run, or with no app everything.
 * Resolves to the environment in which `node`, `pnpm` and the workspace's tools are the pinned ones.
 * @param {string} [app]
 */
export async function install(app) {
  const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  // Only npx's PATH is taken, so that what runs later has no npx in between that would keep a signal to itself.
  const withPnpm = ["--yes", "--prefer-offline", `--package=${packageManager}`, "-c", "node -p process.env.PATH"];
  const path = execFileSync("npx", withPnpm, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  const env = {
    ...process.env,
    PATH: join(root, "node_modules", ".bin") + delimiter + path.trim(),
    TURBO_TELEMETRY_DISABLED: "1",
    // Some tools colour whatever they print where CI is set.
    ...(process.stdout.isTTY || process.env["FORCE_COLOR"] ? {} : { NO_COLOR: "1" }),
  };

  // A workspace that has the developers' tools keeps them: `--prod` would take them away again.
  const everything = app === undefined || existsSync(join(root, "node_modules", ".bin", "turbo"));
  const scope = everything ? [] : ["--prod", "--filter", ".", "--filter", `{./apps/${app}}...`];
  const report = existsSync(join(root, "node_modules", ".modules.yaml")) ? ["--silent"] : ["--reporter=append-only"];
  const args = ["install", "--frozen-lockfile", ...report, ...scope];
  // Standard output belongs to what was asked for; the installation reports on standard error.
  const status = await run("pnpm", args, { cwd: root, env, stdio: ["ignore", 2, 2] });
  if (status !== 0) {
    console.error(`pnpm ${args.join(" ")} ended with ${status}`);
    process.exit(status);
  }
  return env;
}

/**
 * Runs a program and resolves to its exit status. A signal is passed on to it; once it has ended, this process ends too.
 * @param {string} command
 * @param {string[]} args
 * @param {import("node:child_process").SpawnOptions} options
 * @returns {Promise<number>}
 */
export function run(command, args, options) {
  const child = spawn(command, args, { stdio: "inherit", ...options });
  let interrupted = false;
  /** @param {NodeJS.Signals} signal */
  const passOn = (signal) => {
    interrupted = true;
    // Ctrl-C in a terminal goes to every process in the foreground: the child has it already.
    if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
  };
  const signals = /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]);
  for (const signal of signals) process.on(signal, passOn);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      for (const name of signals) process.off(name, passOn);
      const status = code ?? 128 + constants.signals[signal ?? "SIGTERM"];
      if (interrupted) process.exit(status);
      resolve(status);
    });
  });
}
