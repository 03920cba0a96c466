import type { TestRunner } from "@farcall/core/compliance";
import { connectionBytes } from "./connection-bytes.ts";
import { connectionEnd } from "./connection-end.ts";
import { connectionMaking } from "./connection-making.ts";
import { type ConnectionComplianceOptions, type RigTest, withRig } from "./connection-rig.ts";

export type { ConnectionComplianceOptions, ConnectionSubject } from "./connection-rig.ts";

/**
 * What every implementation of `Connection`, `Connector` and `Listener` owes, as its interface says. A transport's whole
 * test file:
 *
 *     connectionCompliance({ describe, test }, { name: "my pipe", create: () => ({ listener, connector }) })
 */
export function connectionCompliance({ describe, test }: TestRunner, options: ConnectionComplianceOptions): void {
  const seed = options.seed ?? Math.floor(Math.random() * 2 ** 31);
  const rigTest: RigTest = (name, body) => test(name, () => withRig({ ...options, seed }, body));
  describe(`connection over ${options.name} (seed ${seed})`, () => {
    connectionBytes(rigTest);
    connectionEnd(rigTest);
    connectionMaking(rigTest);
  });
}
