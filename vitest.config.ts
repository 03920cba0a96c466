import { readdirSync, existsSync } from "node:fs";
import { defineConfig } from "vitest/config";

// One configuration for all packages: each runs `vitest run --config ../../vitest.config.ts` in its own folder.
const report = process.env["FARCALL_TEST_REPORT"];
const packageName = process.env["npm_package_name"]?.replaceAll("/", "__");

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // A package may have no tests yet; test files that hold none are a mistake.
    passWithNoTests: !existsSync("test") || readdirSync("test").length === 0,
    testTimeout: 15_000,
    hookTimeout: 15_000,
    // `npm test` sums up these files.
    reporters:
      report === undefined ? ["default"] : ["default", ["json", { outputFile: `${report}/${packageName}.json` }]],
  },
});
