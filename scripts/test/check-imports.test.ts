import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { wrongImports } from "../check-imports.ts";

const roots: string[] = [];
afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true });
});

const core = { name: "@farcall/core" };
const wire = { name: "@farcall/wire", dependencies: { "@farcall/core": "workspace:^" } };

test("imports that follow the graph are fine, for types, tests and dynamic imports as well", () => {
  const root = workspace({
    "packages/core/package.json": core,
    "packages/core/src/index.ts": `import "./other.ts";`,
    "packages/core/src/other.ts": "export {};",
    "packages/wire/package.json": { ...wire, devDependencies: { vitest: "1.0.0" } },
    "packages/wire/src/index.ts": `export type * from "@farcall/core"; await import("@farcall/core/compliance");`,
    "packages/wire/test/index.test.ts": `import "vitest"; import "../src/index.ts"; import "node:fs";`,
  });
  expect(wrongImports(root)).toEqual([]);
});

test("an import against the graph is wrong even when it is declared, and even when it is only a type", () => {
  const root = workspace({
    "packages/wire/package.json": wire,
    "packages/core/package.json": { ...core, dependencies: { "@farcall/wire": "workspace:^" } },
    "packages/core/src/index.ts": `import type { Frame } from "@farcall/wire"; export * from "@farcall/wire/compliance";`,
  });
  expect(wrongImports(root)).toEqual([
    "packages/core/src/index.ts: @farcall/wire: @farcall/core may not import @farcall/wire",
    "packages/core/src/index.ts: @farcall/wire/compliance: @farcall/core may not import @farcall/wire",
  ]);
});

test("only declared packages may be imported, and what is published may not use a devDependency", () => {
  const root = workspace({
    "packages/core/package.json": { ...core, devDependencies: { zod: "4.0.0" } },
    "packages/core/src/index.ts": `import "zod"; void import("left-pad");`,
    "packages/core/test/index.test.ts": `import "zod"; import "left-pad/sub";`,
  });
  expect(wrongImports(root)).toEqual([
    "packages/core/src/index.ts: zod: not among the dependencies of @farcall/core",
    "packages/core/src/index.ts: left-pad: not among the dependencies of @farcall/core",
    "packages/core/test/index.test.ts: left-pad/sub: not among the dependencies or devDependencies of @farcall/core",
  ]);
});

test("paths stay inside of their package, and those in src inside of src", () => {
  const root = workspace({
    "packages/core/package.json": core,
    "packages/core/src/index.ts": `import "../test/fixture.ts";`,
    "packages/core/test/index.test.ts": `import "../src/index.ts"; import "../../wire/src/index.ts";`,
  });
  expect(wrongImports(root)).toEqual([
    "packages/core/src/index.ts: ../test/fixture.ts: reaches outside of its package",
    "packages/core/test/index.test.ts: ../../wire/src/index.ts: reaches outside of its package",
  ]);
});

test("nobody imports an app, and an app imports whatever package it declares", () => {
  const app = (name: string, ...uses: string[]) => ({
    name,
    private: true,
    dependencies: Object.fromEntries(uses.map((use) => [use, "workspace:^"])),
  });
  const root = workspace({
    "packages/core/package.json": core,
    "apps/tour/package.json": app("@farcall/tour", "@farcall/core"),
    "apps/tour/src/main.ts": `import "@farcall/core";`,
    "apps/chat/package.json": app("@farcall/chat", "@farcall/tour"),
    "apps/chat/src/main.ts": `import "@farcall/tour";`,
  });
  expect(wrongImports(root)).toEqual(["apps/chat/src/main.ts: @farcall/tour: nobody imports an app"]);
});

test("a published package without a place in the graph is wrong", () => {
  const root = workspace({ "packages/extra/package.json": { name: "@farcall/extra" } });
  expect(wrongImports(root)).toEqual([
    "packages/extra: scripts/check-imports.ts doesn't say what @farcall/extra may import",
  ]);
});

/** A workspace on disk with these files; an object is written as JSON. */
function workspace(files: Record<string, string | object>): string {
  const root = mkdtempSync(join(tmpdir(), "farcall-imports-"));
  roots.push(root);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), typeof content === "string" ? content : JSON.stringify(content));
  }
  return root;
}
