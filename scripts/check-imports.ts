// Which package may import which. Cycles between files and `node:` in browser packages are the linter's business.
import { readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseSync } from "oxc-parser";
import { filesBelow, type WorkspacePackage, workspacePackages } from "./workspace-packages.ts";

/** What each published package may import of its siblings. A new package gets a line here, with its place in the graph. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  "@farcall/core": [],
  "@farcall/wire": ["@farcall/core"],
  "@farcall/codec": ["@farcall/core"],
  "@farcall/transport-memory": ["@farcall/core", "@farcall/wire"],
  "@farcall/transport-tcp": ["@farcall/core", "@farcall/wire"],
  "@farcall/services": ["@farcall/core"],
  "@farcall/discovery": ["@farcall/core"],
  "@farcall/retry-policy": ["@farcall/core"],
  farcall: ["@farcall/core", "@farcall/codec", "@farcall/retry-policy", "@farcall/transport-tcp"],
};

/** One line for each import in the workspace at `root` that points the wrong way or isn't declared. */
export function wrongImports(root: string): string[] {
  const all = workspacePackages(root);
  const siblings = new Map(all.map((one) => [one.manifest.name, one]));
  return all.flatMap((one) => [
    ...(one.manifest.private === true || one.manifest.name in mayImport
      ? []
      : [`${one.folder}: scripts/check-imports.ts doesn't say what ${one.manifest.name} may import`]),
    ...filesBelow(join(root, one.folder), ".ts", ".mjs")
      .filter((file) => !/\/(node_modules|dist)\//.test(file))
      .flatMap((file) =>
        importsOf(file).flatMap((specifier) => {
          const reason = objection(one, join(root, one.folder), file, specifier, siblings);
          return reason === undefined ? [] : [`${relative(root, file)}: ${specifier}: ${reason}`];
        }),
      ),
  ]);
}

function objection(
  from: WorkspacePackage,
  folder: string,
  file: string,
  specifier: string,
  siblings: ReadonlyMap<string, WorkspacePackage>,
): string | undefined {
  const { manifest } = from;
  const shipped = file.startsWith(join(folder, "src/"));
  if (specifier.startsWith(".")) {
    const target = resolve(dirname(file), specifier);
    // What is published may reach only what is published with it; a test may reach all of its own package.
    return target.startsWith(`${join(folder, shipped ? "src" : "")}/`) ? undefined : "reaches outside of its package";
  }
  if (specifier.startsWith("node:")) return undefined;
  if (builtinModules.includes(specifier)) return "a module of Node is written with node:";
  const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
  const sibling = siblings.get(name);
  if (name === manifest.name) return shipped ? "a package imports its own files by path" : undefined;
  if (sibling?.folder.startsWith("apps/")) return "nobody imports an app";
  const declared = { ...manifest.dependencies, ...manifest.peerDependencies };
  const usable = shipped ? declared : { ...declared, ...manifest.devDependencies };
  if (!(name in usable))
    return `not among the ${shipped ? "dependencies" : "dependencies or devDependencies"} of ${manifest.name}`;
  if (sibling !== undefined && shipped && manifest.private !== true && !mayImport[manifest.name]?.includes(name))
    return `${manifest.name} may not import ${name}`;
  return undefined;
}

/** Every module that a file names, types included. */
function importsOf(file: string): string[] {
  const text = readFileSync(file, "utf8");
  const { module, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`);
  return [
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest.value),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.flatMap(({ moduleRequest }) => moduleRequest?.value ?? []),
    ),
    // Only what is written out can be judged.
    ...module.dynamicImports
      .map(({ moduleRequest: { start, end } }) => /^["'`]([^"'`$]+)["'`]$/.exec(text.slice(start, end))?.[1])
      .filter((specifier) => specifier !== undefined),
  ];
}

if (import.meta.main) {
  const wrong = wrongImports(fileURLToPath(new URL("..", import.meta.url)));
  for (const line of wrong) console.log(line);
  console.log(
    wrong.length === 0 ? "Every import points the right way." : `${wrong.length} imports point the wrong way.`,
  );
  process.exitCode = wrong.length === 0 ? 0 : 1;
}
