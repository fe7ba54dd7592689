import { randomUUID } from 'node:crypto';
import test from 'ava';
import { checkPassword, firstPassword, hashPassword } from '../../src/identity/passwords.ts';
import { Secret } from '../../src/secret.ts';

const lane = 'test';
const right = new Secret('an ordinary long password');

async function isRight(hash: string | null, password: Secret) {
  return checkPassword(password, lane, () => Promise.resolve({ admitted: undefined, hash }));
}

test('a password is kept as a PHC string of argon2id with 46 MiB, one pass and one lane', async (t) => {
  const hash = await hashPassword(right, lane);
  t.regex(hash, /^\$argon2id\$v=19\$m=47104,t=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  t.true((await isRight(hash, right)).right);
  t.false((await isRight(hash, new Secret('an ordinary long passwore'))).right);
  t.not(hash, await hashPassword(right, lane), 'the salt is another each time');
});

test('the same password typed with other code points is right', async (t) => {
  const hash = await hashPassword(new Secret('schönes Ångström 15'), lane);
  t.true((await isRight(hash, new Secret('scho\u0308nes A\u030Angstro\u0308m 15'))).right);
});

test('a hash made at another cost is right still, and gets a better one', async (t) => {
  // argon2id of the reference implementation: echo -n 'an ordinary long password' | argon2 …, m=16 MiB, t=2, p=1.
  const { argon2Sync } = await import('node:crypto');
  const salt = Buffer.from('somesaltsomesalt');
  const tag = argon2Sync('argon2id', {
    message: 'an ordinary long password',
    nonce: salt,
    memory: 16_384,
    passes: 2,
    parallelism: 1,
    tagLength: 32,
  });
  const text = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '');
  const old = `$argon2id$v=19$m=16384,t=2,p=1$${text(salt)}$${text(tag)}`;
  const { right: isSo, better } = await isRight(old, right);
  t.true(isSo);
  t.regex(better ?? '', /^\$argon2id\$v=19\$m=47104,t=1,p=1\$/);
  t.true((await isRight(better ?? null, right)).right);
  t.is((await isRight(better ?? null, right)).better, undefined);
  t.is((await isRight(old, new Secret('a wrong password'))).better, undefined);
});

// Alone: what runs beside it takes its cores too.
test.serial('a user there is not takes as long to refuse as a wrong password', async (t) => {
  const hash = await hashPassword(right, lane);
  const times = { known: 0, unknown: 0 };
  for (let round = 0; round < 4; round++)
    for (const kind of ['known', 'unknown'] as const) {
      // By the time on cores, which does not grow on a busy machine.
      const before = process.cpuUsage();
      t.false((await isRight(kind === 'known' ? hash : null, new Secret(randomUUID()))).right);
      const { user, system } = process.cpuUsage(before);
      times[kind] += (user + system) / 1000;
    }
  t.true(
    times.unknown > times.known / 2,
    `unknown ${Math.round(times.unknown)} ms, known ${Math.round(times.known)} ms`,
  );
});

test('first passwords have 25 readable characters and are never the same', (t) => {
  const all = Array.from({ length: 200 }, () => firstPassword().reveal());
  for (const one of all) t.regex(one, /^[a-hjkmnp-z2-9]{5}(-[a-hjkmnp-z2-9]{5}){4}$/);
  t.is(new Set(all).size, all.length);
});
