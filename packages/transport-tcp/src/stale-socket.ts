import { lstat, unlink } from "node:fs/promises";
import { connectSocket } from "./connect-socket.ts";

/**
 * Removes the socket file of a process that was killed. Resolves to whether it did: nobody may answer there, and the
 * file must still be the one that nobody answered at. Anything but a socket is left alone.
 */
export async function removeStaleSocket(path: string): Promise<boolean> {
  const before = await lstat(path).catch(() => undefined);
  if (before === undefined || !before.isSocket() || !(await refused(path))) return false;
  const after = await lstat(path).catch(() => undefined);
  if (after?.ino !== before.ino || after.dev !== before.dev) return false;
  return unlink(path).then(
    () => true,
    () => false,
  );
}

async function refused(path: string): Promise<boolean> {
  try {
    (await connectSocket({ path }, AbortSignal.timeout(1_000))).destroy();
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ECONNREFUSED";
  }
}
