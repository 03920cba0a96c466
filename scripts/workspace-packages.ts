import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The fields of a package.json that the scripts look at. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

export interface WorkspacePackage {
  /** From the root, with `/`: `packages/core`. */
  readonly folder: string;
  readonly manifest: Manifest;
}

/** Every package below `packages/` and `apps/` of the workspace in `root`, and its scripts. */
export function workspacePackages(root: string): WorkspacePackage[] {
  const folders = ["packages", "apps"].flatMap((group) =>
    existsSync(join(root, group)) ? readdirSync(join(root, group)).map((name) => `${group}/${name}`) : [],
  );
  return [...folders, "scripts"]
    .filter((folder) => existsSync(join(root, folder, "package.json")))
    .map((folder) => ({
      folder,
      manifest: JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")) as Manifest,
    }));
}

/** The files below `folder` whose names end in one of `endings`, sorted. None when there is no such folder. */
export function filesBelow(folder: string, ...endings: string[]): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(
      (entry) => entry.isFile() && (endings.length === 0 || endings.some((ending) => entry.name.endsWith(ending))),
    )
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
