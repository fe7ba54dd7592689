import type { LoadedConfig } from '../../config/load.ts';
import { ConfigError } from '../../config/problem.ts';
import type { Logger } from '../../log.ts';
import { pinOf } from './open-node.ts';
import { assertNotRefused, PinRefusedBeforeError } from './refused-pins.ts';

/**
 * Members of HSM groups that have refused this PIN before, by title. One whose PIN cannot be read is told too; its hosts
 * look for the PIN at each start. Throws the last member's PinRefusedBeforeError or ConfigError where no member of a token
 * has a PIN that may be tried.
 */
export async function refusedPins(config: LoadedConfig, log: Logger): Promise<Set<string>> {
  const refused = new Set<string>();
  for (const { members } of config.tokens) {
    let unfit = 0;
    for (const member of members)
      try {
        await assertNotRefused(config, member, await pinOf(member));
      } catch (error) {
        if (error instanceof PinRefusedBeforeError) refused.add(member.title);
        else if (!(error instanceof ConfigError)) throw error;
        if (++unfit === members.length) throw error;
        const { token, name } = member;
        log.error({ token, member: name }, `${error.message}; ${wayOut(error)}`);
      }
  }
  return refused;
}

function wayOut(error: PinRefusedBeforeError | ConfigError): string {
  return error instanceof PinRefusedBeforeError
    ? error.remediation
    : 'put the PIN of this member in place: until then the node serves with the others; what systemd hands over needs a restart';
}
