import test from 'ava';
import { ciphertextDataIntegrityValue, tokenAad } from '../../src/token/host/aad.ts';

const aad = Buffer.from('project=nile,department=marketing');
const metadata = Buffer.from('key_version=1');

test('the CDIV of the example in Appendix C is the one that the spec computes', (t) => {
  const value = ciphertextDataIntegrityValue({
    aad,
    metadata,
    iv: Buffer.from('HMrlRw85cAJUd5Ax', 'base64'),
    ciphertext: Buffer.from('ghxkK1txeDNn3q8Y', 'base64'),
    tag: Buffer.from('vBxN2ncH1oEkR8WVXpmyYQ==', 'base64'),
  });
  t.is(value.toString('base64'), 'qHA/ImC9h5HsLRXqCyPmWgYx7tzyoTplzILbP0fPXsc=');
});

test('the AAD that the token gets carries the lengths of AAD and metadata, zero where absent', (t) => {
  const none = Buffer.alloc(0);
  const hex = (bytes: Buffer) => bytes.toString('hex');
  t.is(hex(tokenAad('full', aad, metadata)), `0021${hex(aad)}0d${hex(metadata)}`);
  t.is(hex(tokenAad('full', none, metadata)), `00000d${hex(metadata)}`);
  t.is(hex(tokenAad('full', aad, none)), `0021${hex(aad)}00`);
  t.is(hex(tokenAad('full', none, none)), '000000');
  t.is(hex(tokenAad('full', Buffer.alloc(8192), none)).slice(0, 4), '2000');
});
