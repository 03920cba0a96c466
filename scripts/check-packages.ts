// What users get: builds and packs every published package, looks into the tarballs, installs them all into an empty
// project with npm, imports every entry point and type-checks against it as strictly as TypeScript can.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative, resolve } from "node:path";
import { checkPackage, createPackageFromTarballData, type Problem } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { root } from "./pinned-tools.mjs";
import { filesBelow, type Manifest, workspacePackages } from "./workspace-packages.ts";

const strictest = {
  target: "es2023",
  lib: ["es2023", "esnext.disposable", "dom"],
  module: "nodenext",
  noEmit: true,
  strict: true,
  skipLibCheck: false,
  exactOptionalPropertyTypes: true,
  noImplicitOverride: true,
  noPropertyAccessFromIndexSignature: true,
  noUncheckedIndexedAccess: true,
  verbatimModuleSyntax: true,
};

const work = mkdtempSync(join(tmpdir(), "farcall-packages-"));
process.on("exit", () => rmSync(work, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(1));

const packages = workspacePackages(root).filter(({ manifest }) => manifest.private !== true);
const tarballs: string[] = [];
const complaints: string[] = [];
try {
  // From nothing: tsc leaves the output of sources that are gone, and a cached build may hold some too.
  for (const { folder } of packages) rmSync(join(root, folder, "dist"), { recursive: true, force: true });
  runIn(
    root,
    "turbo",
    "run",
    "build",
    "--force",
    "--output-logs=errors-only",
    ...packages.map(({ folder }) => `--filter=./${folder}`),
  );
  for (const { folder, manifest } of packages) {
    const destination = join(work, basename(folder));
    runIn(join(root, folder), "pnpm", "pack", "--pack-destination", destination);
    const tarball = filesBelow(destination, ".tgz")[0];
    if (tarball === undefined) throw new Error(`pnpm pack made nothing of ${folder}`);
    runIn(destination, "tar", "-xzf", tarball);
    const unpacked = contentComplaints(join(destination, "package"));
    const found = [...unpacked, ...(await publintComplaints(tarball)), ...(await typeComplaints(tarball))];
    complaints.push(...found.map((complaint) => `${manifest.name}: ${complaint}`));
    tarballs.push(tarball);
  }
  complaints.push(...consumerComplaints());
} catch (error) {
  complaints.push(messageOf(error));
}
for (const complaint of complaints) console.log(complaint);
const verdict = complaints.length === 0 ? "Fit to publish" : `Not fit to publish (${complaints.length} complaints)`;
console.log(`${verdict}: ${packages.map(({ manifest }) => manifest.name).join(", ")}.`);
process.exitCode = complaints.length === 0 ? 0 : 1;

/** `folder` is the unpacked tarball. */
function contentComplaints(folder: string): string[] {
  const files = filesBelow(folder);
  const names = new Set(files.map((file) => relative(folder, file)));
  const text = readFileSync(join(folder, "package.json"), "utf8");
  const { version } = JSON.parse(text) as Manifest;
  const needed = ["LICENSE", ...(version === "0.0.0" ? [] : ["CHANGELOG.md"])]; // Made by the first release.
  const lostSources = files
    .filter((file) => file.endsWith(".map"))
    .flatMap((file) => {
      const { sources } = JSON.parse(readFileSync(file, "utf8")) as { sources: string[] };
      return sources.filter((source) => !names.has(relative(folder, resolve(file, "..", source))));
    });
  return [
    ...needed.filter((name) => !names.has(name)).map((name) => `${name} is missing`),
    ...[...names]
      .filter((name) => /(^|\/)test\/|\.test\.|tsconfig/.test(name))
      .map((name) => `${name} should not be published`),
    ...lostSources.map((source) => `a source map names ${source}, which is not published`),
    ...(/"(workspace|catalog):/.test(text) ? ["package.json still has workspace: or catalog: in it"] : []),
    ...(/"\.\/src\/.*\.ts"/.test(text) ? ["package.json still exports sources"] : []),
  ];
}

async function publintComplaints(tarball: string): Promise<string[]> {
  const { buffer } = new Uint8Array(readFileSync(tarball));
  const { messages, pkg } = await publint({ pack: { tarball: buffer }, strict: true });
  return messages.map((message) => `publint: ${formatMessage(message, pkg, { color: false })}`);
}

/** The packages are ES modules for Node and bundlers that know `exports`; what older resolutions miss is no problem. */
async function typeComplaints(tarball: string): Promise<string[]> {
  const result = await checkPackage(createPackageFromTarballData(new Uint8Array(readFileSync(tarball))));
  if (result.types === false) return ["attw: has no types"];
  const matters = (problem: Problem) =>
    problem.kind !== "CJSResolvesToESM" &&
    !("resolutionKind" in problem && ["node10", "node16-cjs"].includes(problem.resolutionKind)) &&
    !("resolutionOption" in problem && problem.resolutionOption === "node10");
  return result.problems.filter(matters).map((problem) => `attw: ${JSON.stringify(problem)}`);
}

function consumerComplaints(): string[] {
  const consumer = join(work, "consumer");
  mkdirSync(consumer);
  const typesOfNode = `@types/node@${installedVersion("@types/node")}`;
  writeFileSync(join(consumer, "package.json"), JSON.stringify({ name: "consumer", private: true, type: "module" }));
  runIn(consumer, "npm", "install", "--no-audit", "--no-fund", "--loglevel=error", typesOfNode, ...tarballs);

  // Packages that are built without Node's types must be usable without them: they run in browsers.
  const everywhere = packages.filter(({ folder }) => {
    const { compilerOptions } = JSON.parse(readFileSync(join(root, folder, "tsconfig.build.json"), "utf8")) as {
      compilerOptions: { types: readonly string[] };
    };
    return compilerOptions.types.length === 0;
  });
  const programs = [
    { name: "node", types: ["node"], entryPoints: entryPoints(packages) },
    { name: "browser", types: [], entryPoints: entryPoints(everywhere) },
  ];
  return programs.flatMap(({ name, types, entryPoints: specifiers }) => {
    const source = specifiers.map((specifier, i) => `import * as m${i} from "${specifier}";\nvoid m${i};\n`).join("");
    writeFileSync(join(consumer, `${name}.ts`), source);
    const compilerOptions = { ...strictest, types };
    writeFileSync(join(consumer, "tsconfig.json"), JSON.stringify({ compilerOptions, files: [`${name}.ts`] }));
    return [
      ...complaintOf(() => runIn(consumer, "tsc", "-p", "tsconfig.json")),
      ...complaintOf(() => runIn(consumer, "node", `${name}.ts`)),
    ].map((complaint) => `as installed (${name}): ${complaint}`);
  });
}

function entryPoints(of: typeof packages): string[] {
  return of.flatMap(({ manifest }) =>
    Object.keys(manifest.exports ?? {})
      .filter((subpath) => !subpath.endsWith(".json"))
      .map((subpath) => manifest.name + subpath.slice(1)),
  );
}

function installedVersion(name: string): string {
  return (JSON.parse(readFileSync(join(root, "node_modules", name, "package.json"), "utf8")) as Manifest).version;
}

function complaintOf(step: () => void): string[] {
  try {
    step();
    return [];
  } catch (error) {
    return [messageOf(error)];
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Runs a program quietly; when it fails, throws what it printed. */
function runIn(folder: string, command: string, ...args: string[]): void {
  try {
    execFileSync(command, args, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.join(" ")} failed:\n${stdout ?? ""}${stderr ?? ""}`, { cause: error });
  }
}
