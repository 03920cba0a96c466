import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rmdir, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A program that can be started, or why there is none. */
export type Program = { readonly path: string } | { readonly missing: string };

/** Time that an installation may take, ms. */
const installMs = 240_000;

/**
 * A program on this machine. Where it is not installed, and this is root on Debian, its package is, without starting its
 * services.
 */
export async function debianProgram(program: string, debianPackage: string): Promise<Program> {
  const found = which(program);
  if (found !== undefined) return { path: found };
  if (process.getuid?.() !== 0 || !existsSync("/etc/debian_version")) {
    return { missing: `there is no ${program}, and only root on Debian can install it (package ${debianPackage})` };
  }
  try {
    await alone(() => install(debianPackage));
  } catch (error) {
    return { missing: `${debianPackage} could not be installed: ${(error as Error).message.slice(0, 300)}` };
  }
  const path = which(program);
  return path === undefined ? { missing: `${debianPackage} has no program ${program}` } : { path };
}

function which(program: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(":"), "/usr/bin", "/usr/local/bin", "/usr/sbin"];
  return folders.map((folder) => join(folder, program)).find((path) => path !== program && existsSync(path));
}

async function install(debianPackage: string): Promise<void> {
  // With this, packages that bring a service do not start it.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  const options = { env, timeout: installMs, maxBuffer: 16 * 1024 * 1024 };
  const get = (...args: string[]) => run("apt-get", ["-o", "DPkg::Lock::Timeout=120", "-qq", ...args], options);
  const attempt = () => get("install", "-y", "--no-install-recommends", debianPackage);
  try {
    await attempt();
  } catch {
    // Without lists apt knows no package; with old ones it asks for versions that are gone.
    await get("update");
    await attempt();
  }
}

/** One at a time on this machine: test files run in parallel, and apt does not. */
async function alone(work: () => Promise<void>): Promise<void> {
  const lock = join(tmpdir(), "farcall-apt.lock");
  const giveUpAt = Date.now() + installMs;
  for (;;) {
    try {
      await mkdir(lock);
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST" || Date.now() > giveUpAt) throw error;
      // One that was killed at work has left its lock behind.
      const since = await stat(lock).then(
        ({ mtimeMs }) => mtimeMs,
        () => Date.now(),
      );
      if (Date.now() - since > installMs) await rmdir(lock).catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
  try {
    await work();
  } finally {
    await rmdir(lock).catch(() => {});
  }
}
