// `node scripts/start-app.mjs tour [argument ...]`: installs what apps/tour needs to run, no more, and runs it.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { install, root, run } from "./pinned-tools.mjs";

const [app = "tour", ...args] = process.argv.slice(2);
const folder = join(root, "apps", app);
const { scripts } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
// An app starts as `node <file> [argument ...]`. It is run as just that, without a shell, so that its arguments need no
// quoting and a signal reaches it directly.
const [program, ...programArgs] = (scripts?.start ?? "").split(" ");
if (program !== "node") {
  console.error(`apps/${app}/package.json has no script "start" of the form "node <file>"`);
  process.exit(2);
}
const env = await install(app);
process.exitCode = await run(program, [...programArgs, ...args], { cwd: folder, env });
