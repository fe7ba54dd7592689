import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { counted } from '../src/counted.ts';

test('a number has its noun in the singular or the plural', (t) => {
  t.is(counted(0, 'vault'), '0 vaults');
  t.is(counted(1, 'vault'), '1 vault');
  t.is(counted(2, 'key set'), '2 key sets');
  t.is(counted(1, 'person', 'people'), '1 person');
  t.is(counted(12, 'person', 'people'), '12 people');
});

/** What is never one: limits that are constants, and sizes. */
const never =
  /\b(?:[a-z]*[lL]ongest\w*|most\w*|max\w*|credentialDays|warningDays|deletionDays\.most|\w*Bytes|\w*bytes|facts\.\w+)\b/;
const nouns =
  'vaults|key sets|CloudKeys|KMS keys|keys|key stores|key versions|versions|secrets|credentials|users|people|events|tokens|hosts|objects|requests|days|hours|minutes|nodes|findings';
const bare = new RegExp(String.raw`\$\{([^{}]+)\} (?:XKS |external |audit )?(?:${nouns})\b`, 'g');

test('no text of ours puts a bare number before a plural: one place knows of the singular', (t) => {
  const root = path.resolve(import.meta.dirname, '../src');
  const found = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) =>
      [...readFileSync(path.join(root, name), 'utf8').matchAll(bare)]
        .filter(([, number = '']) => !never.test(number))
        .map(([text]) => `${name}: ${text}`),
    );
  t.deepEqual(found, []);
});
