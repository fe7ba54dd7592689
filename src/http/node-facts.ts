import type { NodeFacts } from '../admin/services.ts';
import type { LoginGate } from '../token/host-keeper.ts';
import type { Crew } from './crew.ts';
import type { NodeTls } from './node-tls.ts';

/** What `holdfast status` tells of this node and only its supervisor knows. Nothing is asked of anybody for it. */
export function nodeFacts(
  gates: ReadonlyMap<string, LoginGate>,
  crews: readonly Crew[],
  tls: NodeTls,
): NodeFacts {
  return {
    tokens: [...gates].map(([name, { refused: pinRefused }]) => {
      const counts = crews.map((crew) => crew.hosts(name));
      const problem = crews.map((crew) => crew.problem(name)).find((one) => one !== undefined);
      const hosts = counts.reduce((sum, { wanted }) => sum + wanted, 0);
      const up = counts.reduce((sum, { prepared }) => sum + prepared, 0);
      return { name, pinRefused, hosts, up, problem };
    }),
    certificates: tls.certificates,
  };
}
