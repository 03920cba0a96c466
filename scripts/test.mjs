// `npm test`: installs everything, then hands over to verify.ts on the pinned Node.
import { join } from "node:path";
import { install, root, run } from "./pinned-tools.mjs";

const env = await install();
process.exitCode = await run("node", [join(root, "scripts", "verify.ts"), ...process.argv.slice(2)], {
  cwd: root,
  env,
});
