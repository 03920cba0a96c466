import { copyFileSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import { placeOf } from "../contenders/index.ts";
import { installAsPublished } from "./install-as-published.ts";

/** A program that calls a contender once. */
export interface ClientBuild {
  readonly file: string;
  readonly bytes: number;
}

let folder: string | undefined;

/** Makes one file of a contender's client: of everything, or with `unbundled` of this app's part, libraries left outside. */
export async function buildClient(source: string, kind: "bundled" | "unbundled"): Promise<ClientBuild> {
  folder ??= await temporaryFolder();
  const { file, exported } = placeOf(source);
  const outfile = join(folder, `${basename(source, ".ts")}-${kind}.mjs`);
  const entry = `
    import { callOnce } from "./first-call.ts";
    import { ${exported} as contender } from ${JSON.stringify(file)};
    await callOnce(contender);`;
  await build({
    stdin: { contents: entry, resolveDir: fileURLToPath(new URL(".", import.meta.url)), loader: "ts" },
    outfile,
    bundle: true,
    minify: kind === "bundled",
    packages: kind === "bundled" ? "bundle" : "external",
    platform: "node",
    format: "esm",
    target: "node22",
    // Libraries in CommonJS call `require`, which modules don't have.
    banner: {
      js: `import { createRequire as requireOfBundle } from "node:module"; const require = requireOfBundle(import.meta.url);`,
    },
    plugins: [withoutServer],
    logLevel: "silent",
  });
  return { file: outfile, bytes: statSync(outfile).size };
}

async function temporaryFolder(): Promise<string> {
  const made = mkdtempSync(join(tmpdir(), "farcall-bench-"));
  process.on("exit", () => rmSync(made, { recursive: true, force: true }));
  await installAsPublished(made);
  // What a contender reads from beside its source, it reads from beside its bundle.
  const sources = fileURLToPath(new URL("../contenders/", import.meta.url));
  for (const file of readdirSync(sources))
    if (file.endsWith(".proto")) copyFileSync(join(sources, file), join(made, file));
  return made;
}

/**
 * A contender's file has both ends; a client's bundle has only its own. Without the property `serve` nothing uses the
 * server's imports any more, and they go.
 */
const withoutServer: Plugin = {
  name: "without-server",
  setup({ onLoad, onResolve, resolve }) {
    onLoad({ filter: /\/src\/contenders\/[^/]+\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      return { contents: source.replace(/^ +serve(: .*)?,\n/m, ""), loader: "ts" };
    });
    onResolve({ filter: /^[^.]/ }, async ({ path, importer, kind, resolveDir, pluginData }) => {
      if (pluginData === asked || !/\/src\/contenders\/[^/]+\.ts$/.test(importer)) return undefined;
      const found = await resolve(path, { importer, kind, resolveDir, pluginData: asked });
      return { ...found, sideEffects: false };
    });
  },
};
const asked = Symbol("asked");
