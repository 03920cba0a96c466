import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectionCompliance } from "@farcall/wire/compliance";
import { describe, test } from "vitest";
import { pipeConnector, pipeListener } from "./pipe.ts";

let pipes = 0;
const nextPath = () => join(tmpdir(), `pipe-${process.pid}-${pipes++}`);

connectionCompliance(
  { describe, test },
  { name: "my pipe", create: () => ({ listener: pipeListener(nextPath()), connector: pipeConnector }) },
);
