import { existsSync, readdirSync } from "node:fs";
import { defineConfig } from "vitest/config";
import { reportName, reportTo } from "./scripts/test-report.ts";

// One configuration for all packages: each runs `vitest run --config ../../vitest.config.ts` in its own folder.
const reports = process.env["FARCALL_TEST_REPORTS"];
const name = process.env["npm_package_name"] ?? "";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // A package may have no tests yet; test files that hold none are a mistake.
    passWithNoTests: !existsSync("test") || readdirSync("test").length === 0,
    testTimeout: 15_000,
    hookTimeout: 15_000,
    // `npm test` sums up these files.
    reporters: reports === undefined ? ["default"] : ["default", reportTo(`${reports}/${reportName(name)}`, name)],
  },
});
