import { randomBytes } from 'node:crypto';
import { loadConfig } from '../src/config/load.ts';
import { pinOf } from '../src/cli/node/open-node.ts';
import { Cryptoki } from '../src/token/host/cryptoki.ts';
import { TokenError } from '../src/token/faults.ts';
import type { TokenRequest } from '../src/token/messages.ts';
import { encodeKeyIdentity } from '../src/token/key-identity.ts';
import { TokenHost } from '../src/token/host/token-host.ts';

/*
 * The limit of the token: the same operations in a bare loop, one process, nothing before and behind it.
 * Usage: raw-token.ts CONFIG SECONDS; prints operations a second as JSON.
 */

const [configFile = '', seconds = '2'] = process.argv.slice(2);
const token = loadConfig(configFile).tokens[0]?.members[0];
if (token === undefined) throw new Error('the configuration has no token');
for (const [name, value] of Object.entries(token.environment)) process.env[name] = value;
const host = new TokenHost(
  Cryptoki.open(
    { profile: token.moduleProfile, module: token.module, choose: { label: token.label } },
    await pinOf(token),
  ),
  token.moduleProfile,
);
host.selfTest();

// A key of its own for the bench, gone with the bench's token.
const key = randomBytes(16);
const label = 'bench';
const binding = randomBytes(32);
const made = run({ kind: 'generateKey', key, label, binding, encrypt: true, decrypt: true });
if (made instanceof TokenError || made.kind !== 'generateKey') throw new Error('the token makes no key');

const common = {
  key,
  identity: encodeKeyIdentity({ label, binding, proof: made.value.proof }),
  aadForm: 'full',
  aad: randomBytes(60),
  metadata: randomBytes(6),
} as const;
const encrypt = (verify: boolean): TokenRequest => ({
  kind: 'encrypt',
  ...common,
  plaintext: randomBytes(32),
  verify,
});

const first = run(encrypt(false));
if (first instanceof TokenError || first.kind !== 'encrypt') throw new Error('the token does not encrypt');
const { iv, ciphertext, tag } = first.value;

console.log(
  JSON.stringify({
    encryptWithCdiv: rate(encrypt(true)),
    encrypt: rate(encrypt(false)),
    decrypt: rate({ kind: 'decrypt', ...common, iv, ciphertext, tag }),
  }),
);

function run(request: TokenRequest) {
  const answer = host.answer([{ id: 0, deadline: Number.POSITIVE_INFINITY, request }]).responses[0]?.answer;
  if (answer === undefined) throw new Error('no answer');
  return answer;
}

function rate(request: TokenRequest): number {
  const until = performance.now() + Number(seconds) * 1000;
  const began = performance.now();
  let done = 0;
  for (; performance.now() < until; done++)
    if (run(request) instanceof TokenError) throw new Error('the token fails');
  return done / ((performance.now() - began) / 1000);
}
