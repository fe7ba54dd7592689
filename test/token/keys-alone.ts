/**
 * The child process of opencryptoki.test.ts: login and keys of a token that cannot serve, for want of AES-GCM.
 * argv: a TokenFixture as JSON. Prints what each step came to.
 */
import { loadProfile } from '../../src/config/profile.ts';
import { Secret } from '../../src/secret.ts';
import { Cryptoki } from '../../src/token/host/cryptoki.ts';
import { TokenError } from '../../src/token/faults.ts';
import { Gcm } from '../../src/token/host/gcm.ts';
import { KeyDestruction } from '../../src/token/host/keys/key-destruction.ts';
import { KeyObjects } from '../../src/token/host/keys/key-objects.ts';
import type { KeyAttributes } from '../../src/token/messages.ts';
import { ownKeys } from '../../src/token/own-keys.ts';
import { labelled } from '../support/key-identity.ts';
import type { TokenFixture } from '../../testing/tokens.ts';

const fixture = JSON.parse(process.argv[2] ?? '') as TokenFixture;
const profile = loadProfile(fixture.profile);
const { module, label } = fixture;
const cryptoki = Cryptoki.open({ profile, module, choose: { label } }, new Secret(fixture.pin));
const keys = new KeyObjects(cryptoki, profile);
const gcm = new Gcm(cryptoki, profile);
const destruction = new KeyDestruction(cryptoki, { gcm, keys, canary: { check: () => undefined } });
// What is to be seen where an absence counts.
keys.generate(ownKeys.sealing.id, ownKeys.sealing.label, { encrypt: true, decrypt: true });

function outcome(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    if (error instanceof TokenError) return error.fault;
    throw error;
  }
}

function plain({ label, encrypt, decrypt, compliant, generatedOnToken, violations }: KeyAttributes): unknown {
  return { label, encrypt, decrypt, compliant, generatedOnToken, violations };
}

const key = Buffer.from('both');
const make = (id: string, encrypt: boolean, decrypt: boolean) =>
  outcome(() => plain(keys.generate(Buffer.from(id), id, { encrypt, decrypt })));
const told: Record<string, unknown> = {
  'before it is made': keys.has(key),
  made: make('both', true, true),
  'encrypt only': make('encrypt only', true, false),
  neither: make('neither', false, false),
  inspected: plain(keys.inspect(key)),
  'found by label': plain(keys.findByLabel('both')),
  'made again': make('both', true, true),
};
keys.forgetAll();
keys.learning.step(Infinity);
told['after all handles are forgotten'] = keys.has(key);
told['destroyed'] = destruction.destroy(key, labelled('both'));
told['destroyed again'] = destruction.destroy(key, labelled('both'));
told['after it is destroyed'] = outcome(() => keys.inspect(key));
process.stdout.write(JSON.stringify(told));
cryptoki.close();
