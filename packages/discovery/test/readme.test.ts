import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { file } from "../examples/file.ts";
import { balance, fleet } from "./fleet.ts";
import { until } from "./waits.ts";

test("the README shows the resolver of a file as it is, and it works", async () => {
  const folder = join(import.meta.dirname, "..");
  const readme = readFileSync(join(folder, "README.md"), "utf8");
  expect(readme).toContain(`\`\`\`ts\n${readFileSync(join(folder, "examples", "file.ts"), "utf8")}\`\`\``);

  await using servers = await fleet(2);
  const [a, b] = servers.addresses as [string, string];
  const place = mkdtempSync(join(tmpdir(), "farcall-discovery-"));
  const path = join(place, "endpoints.json");
  writeFileSync(path, JSON.stringify([a]));
  await using ends = balance({ resolver: file(path) });
  expect(await ends.client.name()).toBe("a");
  // Half a file is garbage for a moment: the resolver throws, and is started again.
  await expect
    .poll(
      () => {
        writeFileSync(path, JSON.stringify([b]));
        return ends.transport.endpoints.map((one) => one.address);
      },
      { timeout: 10_000, interval: 200 },
    )
    .toEqual([b]);
  await until(() => ends.transport.endpoints[0]!.state === "ready");
  expect(await ends.client.name()).toBe("b");
  rmSync(place, { recursive: true, force: true });
});
