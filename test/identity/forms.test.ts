import { domainToUnicode } from 'node:url';
import test from 'ava';
import fc from '../../testing/properties.ts';
import { emailKey, parseEmail, parsePlainName } from '../../src/identity/user-forms.ts';
import { NameError, parseDescription, parseTitle } from '../../src/vault/names.ts';
import { VaultError } from '../../src/vault/vault-error.ts';

test('a name that looks like another is that other: composed and decomposed letters are one', (t) => {
  t.is(parseTitle('Gro\u0308\u00dfe'), 'Gr\u00f6\u00dfe');
  t.is(parsePlainName(' Ame\u0301lie ', 'a display name'), 'Am\u00e9lie');
  t.is(
    parseTitle('\u0417\u0430\u043f\u0430\u0441 \u6771\u4eac 2'),
    '\u0417\u0430\u043f\u0430\u0441 \u6771\u4eac 2',
  );
});

test('a name has no character that is not seen', (t) => {
  for (const [what, name] of [
    ['a right-to-left override', 'pay\u202eroll'],
    ['an isolate', '\u2067payroll\u2069'],
    ['a left-to-right mark', 'payroll\u200e'],
    ['a zero-width space', 'pay\u200broll'],
    ['a zero-width joiner', 'pay\u200droll'],
    ['a word joiner', 'pay\u2060roll'],
    ['a byte order mark', '\ufeffpayroll'],
    ['a soft hyphen', 'pay\u00adroll'],
    ['a variation selector', 'payroll\ufe0f'],
    ['a combining grapheme joiner', 'pay\u034froll'],
    ['a Hangul filler', 'pay\u3164roll'],
    ['a Braille blank', 'pay\u2800roll'],
    ['a no-break space', 'pay\u00a0roll'],
    ['an ideographic space', 'pay\u3000roll'],
    ['two spaces', 'pay  roll'],
    ['a space before it', ' payroll'],
    ['a mark that nothing comes before', '\u0301payroll'],
    ['a tag', 'payroll\u{e0041}'],
    ['a lone surrogate', 'payroll\ud800'],
    ['a line separator', 'pay\u2028roll'],
    ['nothing', ''],
  ] as const) {
    const message = /characters that can be seen, single spaces/;
    t.throws(() => parseTitle(name), { instanceOf: NameError, message }, what);
    if (what !== 'a space before it')
      t.throws(() => parsePlainName(name, 'a display name'), { instanceOf: VaultError, message }, what);
  }
  for (const mark of ['\u202e', '\u2066', '\u200f', '\u061c', '\u2028', '\u0007'])
    t.throws(() => parseDescription(`for the ${mark}payroll`), { instanceOf: NameError });
  t.is(
    parseDescription('two\nlines\tand \u05e9\u05dc\u05d5\u05dd'),
    'two\nlines\tand \u05e9\u05dc\u05d5\u05dd',
  );
});

test('a name that was taken is taken again as it is', (t) => {
  const taken = (text: string) => {
    try {
      return parseTitle(text);
    } catch {
      return undefined;
    }
  };
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), (text) => {
      const once = taken(text);
      return once === undefined || taken(once) === once;
    }),
    { numRuns: 500 },
  );
  t.pass();
});

test('an email address has one form, in any script', (t) => {
  for (const [given, kept] of [
    ['ada@example.com', 'ada@example.com'],
    ['Ada.Lovelace+hsm@Example.COM', 'Ada.Lovelace+hsm@example.com'],
    ['ada@b\u00fccher.example', 'ada@xn--bcher-kva.example'],
    ['ada@bu\u0308cher.example', 'ada@xn--bcher-kva.example'],
    ['ada@xn--bcher-kva.example', 'ada@xn--bcher-kva.example'],
    ['\u7528\u6237@\u4f8b\u5b50.\u4e2d\u56fd', '\u7528\u6237@xn--fsqu00a.xn--fiqs8s'],
    ['gro\u0308\u00dfe@example.com', 'gr\u00f6\u00dfe@example.com'],
  ] as const) {
    t.is(parseEmail(given), kept);
    t.is(parseEmail(kept), kept);
  }
  t.is(domainToUnicode('xn--bcher-kva.example'), 'b\u00fccher.example');
  // Case is that of A to Z alone, as in SQL: no other letter becomes one of them.
  t.is(emailKey('ADA\u212a@example.com'), 'ada\u212a@example.com');
});

test('what is no email address is refused', (t) => {
  for (const address of [
    '',
    'ada',
    '@example.com',
    'ada@',
    'ada@b@example.com',
    'ada lovelace@example.com',
    '"ada"@example.com',
    'ada@exa mple.com',
    'ada@example..com',
    'ada@.example.com',
    'ada@exa%6dple.com',
    'ada@[192.0.2.1]',
    'ada@example.com:25',
    'ada@example.com/x',
    'ada\u200b@example.com',
    'ada\u202e@example.com',
    '\u0301ada@example.com',
    'ada\r\nBcc: eve@example.com',
    `${'a'.repeat(65)}@example.com`,
    `${'\u00fc'.repeat(33)}@example.com`,
    `ada@${'a'.repeat(64)}.example`,
    `ada@${'abcdefgh.'.repeat(30)}example`,
  ])
    t.throws(() => parseEmail(address), { instanceOf: VaultError, message: /name@example\.com/ }, address);
});
