import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import fc from '../../testing/properties.ts';
import { decodeBase64 } from '../../src/xks/wire.ts';

interface Vector {
  name: string;
  text: string;
  /** Absent where the text is not standard Base64. */
  hex?: string;
}

const vectors = JSON.parse(
  readFileSync(path.join(import.meta.dirname, '../vectors/base64.json'), 'utf8'),
) as Vector[];

for (const { name, text, hex } of vectors)
  test(`Base64 with ${name} is ${hex === undefined ? 'refused' : 'read'}`, (t) => {
    t.is(decodeBase64(text)?.toString('hex'), hex);
  });

test('every sequence of bytes has exactly one Base64 text, and it is read back', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const text = Buffer.from(bytes).toString('base64');
      t.deepEqual(decodeBase64(text), Buffer.from(bytes));
    }),
  );
});

test('a text that is read is the text that its bytes are written as', (t) => {
  const letters = fc.constantFrom(...'A B C a b c 0 1 8 9 + / - _ = \n'.split(' '), ' ');
  fc.assert(
    fc.property(fc.string({ unit: letters, maxLength: 12 }), (text) => {
      const bytes = decodeBase64(text);
      if (bytes !== undefined) t.is(bytes.toString('base64'), text);
    }),
    { numRuns: 5000 },
  );
  t.pass();
});
