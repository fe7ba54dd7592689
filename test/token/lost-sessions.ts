/**
 * The child process of logins.test.ts: a token host's inside, whose sessions or login are taken away behind its back.
 * argv: a TokenFixture as JSON. Prints what each request came to.
 */
import { loadProfile } from '../../src/config/profile.ts';
import { Secret } from '../../src/secret.ts';
import { Cryptoki } from '../../src/token/host/cryptoki.ts';
import { TokenError } from '../../src/token/faults.ts';
import { monotonicNow } from '../../src/clock.ts';
import type { TokenRequest } from '../../src/token/messages.ts';
import { TokenHost } from '../../src/token/host/token-host.ts';
import type { TokenFixture } from '../../testing/tokens.ts';
import { encryptOf } from './open-pool.ts';
import { labelled } from '../support/key-identity.ts';

const fixture = JSON.parse(process.argv[2] ?? '') as TokenFixture;
const profile = loadProfile(fixture.profile);
const { module, initializeParameters, label } = fixture;
const settings = { profile, module, initializeParameters, choose: { label } };
const cryptoki = Cryptoki.open(settings, new Secret(fixture.pin));
const host = new TokenHost(cryptoki, profile);
host.selfTest();

function ask(request: TokenRequest): string {
  const { responses } = host.answer([{ id: 1, deadline: monotonicNow() + 10_000, request }]);
  const answer = responses[0]?.answer;
  if (answer instanceof TokenError) return answer.fault;
  return answer?.kind ?? 'nothing';
}

function loseSessions(): void {
  const { slotID } = cryptoki.lib.C_GetSessionInfo(cryptoki.session.handle);
  cryptoki.lib.C_CloseAllSessions(slotID);
}

const key = Buffer.from('lost sessions');
const unused = Buffer.from('lost sessions, unused');
for (const id of [key, unused]) {
  ask({ kind: 'destroyKey', key: id, identity: labelled(id.toString()) });
  ask({
    kind: 'generateKey',
    key: id,
    binding: Buffer.alloc(0),
    label: id.toString(),
    encrypt: true,
    decrypt: true,
  });
}
const told: Record<string, string> = {};
loseSessions();
told['known key'] = ask(encryptOf(key, Buffer.from('data'), { verify: true }));
loseSessions();
told['key not used before'] = ask({ kind: 'inspectKey', key: unused });
loseSessions();
told['key that is not there'] = ask({ kind: 'inspectKey', key: Buffer.from('never made') });
cryptoki.lib.C_Logout(cryptoki.session.handle);
told['after the login only'] = ask(encryptOf(key, Buffer.from('data')));
cryptoki.lib.C_Logout(cryptoki.session.handle);
told['sealed secret'] = ask({
  kind: 'seal',
  context: Buffer.from('record'),
  secret: Buffer.from('secret'),
});
process.stdout.write(JSON.stringify(told));
