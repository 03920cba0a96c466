import { mkdirSync, readdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { transform } from "esbuild";

interface Manifest {
  readonly name: string;
  readonly type?: string;
  readonly sideEffects?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly publishConfig?: { readonly exports: unknown };
}

const app = fileURLToPath(new URL("../..", import.meta.url));

/**
 * Makes `folder/node_modules` with everything that this app depends on, the workspace's packages as npm would install them:
 * JavaScript, a file for each source file. What a user starts has no types to strip.
 */
export async function installAsPublished(folder: string): Promise<void> {
  const { dependencies = {} } = manifestIn(app);
  const published = new Set<string>();
  for (const [name, version] of Object.entries(dependencies)) {
    if (version.startsWith("workspace:")) await publish(join(app, "node_modules", name), folder, published);
    else link(join(app, "node_modules", name), join(folder, "node_modules", name));
  }
}

async function publish(from: string, folder: string, published: Set<string>): Promise<void> {
  const source = realpathSync(from);
  const { name, type, sideEffects, dependencies = {}, publishConfig } = manifestIn(source);
  if (published.has(name)) return;
  published.add(name);
  const target = join(folder, "node_modules", name);
  mkdirSync(target, { recursive: true });
  writeFileSync(
    join(target, "package.json"),
    JSON.stringify({ name, version: "0.0.0", type, sideEffects, exports: publishConfig?.exports }),
  );
  for (const file of readdirSync(join(source, "src"), { recursive: true, encoding: "utf8" })) {
    if (file.endsWith(".ts"))
      await compile(join(source, "src", file), join(target, "dist", file.replace(/\.ts$/, ".js")));
  }
  for (const [dependency, version] of Object.entries(dependencies)) {
    const place = join(source, "node_modules", dependency);
    if (version.startsWith("workspace:")) await publish(place, folder, published);
    else link(place, join(target, "node_modules", dependency));
  }
}

async function compile(from: string, to: string): Promise<void> {
  const { code } = await transform(readFileSync(from, "utf8"), { loader: "ts", format: "esm", target: "es2023" });
  mkdirSync(dirname(to), { recursive: true });
  writeFileSync(to, code.replace(/((?:from|import) ?\(?"\.[^"]*)\.ts"/g, '$1.js"'));
}

function link(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  symlinkSync(realpathSync(from), to, "dir");
}

function manifestIn(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
}
