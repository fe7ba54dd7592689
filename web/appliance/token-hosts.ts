import type { Schemas } from '../../src/cli/client/api-types.ts';
import { appliance as t } from '../texts/appliance.ts';

type Token = Schemas['Token'];

/** Of all processes of the node, where its supervisor reports them; else of its management process. */
export function hostsReady({ members, hosts }: Pick<Token, 'members' | 'hosts'>): string {
  const told = members.flatMap((member) => member.hosts ?? []);
  const all: readonly Pick<Token['hosts'][number], 'state'>[] = told.length > 0 ? told : hosts;
  return t.hostsOf(all.filter(({ state }) => state === 'ready' || state === 'busy').length, all.length);
}
