import { connectionCompliance } from "@farcall/wire/compliance";
import { describe, test } from "vitest";
import { memoryLink } from "../src/memory-link.ts";

for (const [name, options] of Object.entries({
  memory: {},
  "memory with latency": { latencyMs: 2 },
  "memory with room for one byte": { bufferBytes: 1 },
})) {
  connectionCompliance(
    { describe, test },
    {
      name,
      openResources: () => process.getActiveResourcesInfo().filter((kind) => kind === "Immediate").length,
      create() {
        const { connector, listener } = memoryLink(options);
        return { listener, connector: () => connector };
      },
    },
  );
}
