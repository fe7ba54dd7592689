import { createHash } from 'node:crypto';
import test from 'ava';
import { ciphertextDataIntegrityValue, tokenAad } from '../../src/token/host/aad.ts';

const sha256 = (data: string) => createHash('sha256').update(data).digest('hex');

for (const [form, aad, metadata, expected] of [
  ['full', '', '', '000000'],
  ['full', 'ab', '', '0002616200'],
  ['full', '', 'm', '0000016d'],
  ['full', 'ab', 'm', '00026162016d'],
  ['full', 'x'.repeat(8192), 'm', `2000${'78'.repeat(8192)}016d`],
  ['full', 'x'.repeat(65_535), '', `ffff${'78'.repeat(65_535)}00`],
  ['sha256', '', '', '000000'],
  ['sha256', '', 'm', '0000016d'],
  ['sha256', 'ab', 'm', `0002${sha256('ab')}016d`],
  ['sha256', 'x'.repeat(8192), '', `2000${sha256('x'.repeat(8192))}00`],
] as const)
  test(`the token's AAD, ${form}, of ${aad.length} bytes and ${metadata.length} of metadata has its lengths`, (t) => {
    t.is(tokenAad(form, Buffer.from(aad), Buffer.from(metadata)).toString('hex'), expected);
  });

test('an AAD whose length does not fit into two bytes is refused', (t) => {
  t.throws(() => tokenAad('full', Buffer.alloc(65_536), Buffer.alloc(0)), { instanceOf: RangeError });
});

test('the ciphertext data integrity value is that of the specification', (t) => {
  const cdiv = ciphertextDataIntegrityValue({
    aad: Buffer.from('project=nile,department=marketing'),
    metadata: Buffer.from('key_version=1'),
    iv: Buffer.from('HMrlRw85cAJUd5Ax', 'base64'),
    ciphertext: Buffer.from('ghxkK1txeDNn3q8Y', 'base64'),
    tag: Buffer.from('vBxN2ncH1oEkR8WVXpmyYQ==', 'base64'),
  });
  t.is(cdiv.toString('base64'), 'qHA/ImC9h5HsLRXqCyPmWgYx7tzyoTplzILbP0fPXsc=');
});
