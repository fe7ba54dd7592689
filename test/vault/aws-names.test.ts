import test from 'ava';
import fc from '../../testing/properties.ts';
import { maxPrincipals, parseAwsAccountId, parsePrincipals, parseRegion } from '../../src/vault/aws-names.ts';
import { parseExpiry } from '../../src/vault/expiry.ts';
import { parseQuota, parseRotationDays } from '../../src/vault/limits.ts';
import { NameError, parseDescription, parseTitle } from '../../src/vault/names.ts';

/** Good ones with a character put in somewhere. */
const nearlyGood = fc
  .tuple(
    fc.constantFrom('ap-south-2', '999988887777', 'arn:aws:iam::999988887777:role/path/Ops', 'A title'),
    fc.nat(50),
    fc.string({ unit: 'binary', maxLength: 1 }),
  )
  .map(([good, at, extra]) => good.slice(0, at) + extra + good.slice(at));

const invalid = { name: 'NameError' };

test('Regions of every partition are taken', (t) => {
  for (const region of [
    ...['us-east-1', 'eu-central-2', 'ap-southeast-7', 'ap-northeast-3', 'me-south-1', 'mx-central-1'],
    ...['cn-north-1', 'cn-northwest-1', 'us-gov-west-1', 'us-iso-east-1', 'us-isob-east-1', 'eu-isoe-west-1'],
    ...['us-isof-south-1', 'eusc-de-east-1', 'il-central-1', ''],
  ])
    t.is(parseRegion(region), region);
});

test('what is no Region is refused, zones too', (t) => {
  for (const text of [
    ...[
      'us-east',
      'us-east-1a',
      'US-EAST-1',
      'us_east_1',
      'us-esat-1',
      'us-east-0',
      'us-east-100',
      ' us-east-1',
    ],
    ...['us-east-1\n', 'us-east-1-bos-1', 'eu', 'eu-central-1.amazonaws.com', '-central-1', 'fips-us-east-1'],
  ])
    t.throws(() => parseRegion(text), invalid, text);
});

test('ARNs of IAM users and roles of every partition are taken', (t) => {
  const arns = [
    'arn:aws:iam::111122223333:user/ada',
    'arn:aws:iam::111122223333:role/KeyAdmins',
    'arn:aws-cn:iam::111122223333:role/path/to/Key+=,.@_-Admins',
    'arn:aws-us-gov:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0123456789abcdef',
    'arn:aws-iso-b:iam::111122223333:user/a/b/c',
    'arn:aws-eusc:iam::111122223333:user/z',
    `arn:aws:iam::111122223333:user/${'n'.repeat(64)}`,
    `arn:aws:iam::111122223333:user/${'p'.repeat(510)}/n`,
  ];
  t.deepEqual(parsePrincipals(arns), arns);
});

test('other principals and broken ARNs are refused', (t) => {
  for (const arn of [
    ...['', '*', 'arn:aws:iam::111122223333:root', 'arn:aws:iam::111122223333:group/g', '111122223333'],
    ...['arn:aws:sts::111122223333:assumed-role/r/s', 'arn:aws:iam::11112222333:user/u'],
    ...['arn:aws:iam:eu-central-1:111122223333:user/u', 'arn:gcp:iam::111122223333:user/u'],
    ...[
      'arn:aws:iam::111122223333:user/',
      'arn:aws:iam::111122223333:user//u',
      'arn:aws:iam::111122223333:user/u\n',
    ],
    ...['arn:aws:iam::111122223333:user/ü', 'arn:aws:iam::111122223333:role/*'],
    `arn:aws:iam::111122223333:user/${'n'.repeat(65)}`,
    `arn:aws:iam::111122223333:user/${'p'.repeat(511)}/n`,
  ])
    t.throws(() => parsePrincipals([arn]), invalid, arn);
});

test('principals are bounded, and none is there twice', (t) => {
  const arn = (n: number) => `arn:aws:iam::111122223333:user/u${n}`;
  const max = Array.from({ length: maxPrincipals }, (_, n) => arn(n));
  t.is(parsePrincipals(max).length, maxPrincipals);
  t.throws(() => parsePrincipals([...max, arn(maxPrincipals)]), invalid);
  t.throws(() => parsePrincipals([arn(1), arn(2), arn(1)]), invalid);
});

test('an account id has twelve digits', (t) => {
  t.is(parseAwsAccountId('012345678901'), '012345678901');
  t.is(parseAwsAccountId(''), '');
  for (const text of ['12345678901', '1234567890123', '١٢٣٤٥٦٧٨٩٠١٢', '1111-2222-333'])
    t.throws(() => parseAwsAccountId(text), invalid, text);
});

test('no parser takes what another would read otherwise, or quotes it in its error', (t) => {
  const parsers: ((text: string) => unknown)[] = [
    parseRegion,
    parseAwsAccountId,
    (text) => parsePrincipals([text]),
    parseTitle,
    parseDescription,
  ];
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary', minLength: 4, maxLength: 400 }), nearlyGood), (text) => {
      for (const parse of parsers)
        try {
          const parsed = parse(text);
          t.false(['\0', '\r', '\u001b'].some((character) => text.includes(character)));
          t.deepEqual(Array.isArray(parsed) ? parsed : [parsed], [text]);
        } catch (error) {
          if (!(error instanceof NameError)) throw error;
          // A short text may stand in the words by chance; one with a mark of its own does only where it is quoted.
          const marked = t.throws(() => parse(`${text}\0quoted-${text.length}`), { instanceOf: NameError });
          t.false(marked.message.includes('quoted-'));
        }
    }),
  );
});

test('a long path of slashes is refused in no time', (t) => {
  const before = process.cpuUsage();
  t.throws(() => parsePrincipals([`arn:aws:iam::111122223333:user/${'a/'.repeat(20_000)}`]), invalid);
  t.true(process.cpuUsage(before).user < 500_000);
});

test('a title has no control characters and no blanks around it', (t) => {
  t.is(parseTitle('Zahlungen – Größe 2'), 'Zahlungen – Größe 2');
  for (const text of ['', ' a', 'a ', 'a\nb', 'a\u001b[31mb', 'a\u2028b', 'a\u0085b', 'x'.repeat(121)])
    t.throws(() => parseTitle(text), invalid, JSON.stringify(text));
});

test('quotas and schedules are whole numbers within their bounds; a burst is as large as the rate unless told', (t) => {
  t.deepEqual(parseQuota({ requestsPerSecond: 5 }), { quota_rate: 5, quota_burst: 5 });
  t.deepEqual(parseQuota({ requestsPerSecond: 1_000_000, burst: 1 }), {
    quota_rate: 1_000_000,
    quota_burst: 1,
  });
  t.deepEqual(parseQuota(null), { quota_rate: null, quota_burst: null });
  for (const requestsPerSecond of [0, -1, 1.5, 1_000_001, Number.NaN])
    t.throws(() => parseQuota({ requestsPerSecond }), { name: 'VaultError' });
  t.throws(() => parseQuota({ requestsPerSecond: 5, burst: 0 }), { name: 'VaultError' });
  t.is(parseRotationDays(null), null);
  t.is(parseRotationDays(3650), 3650);
  for (const days of [0, 3651, 0.5, Infinity])
    t.throws(() => parseRotationDays(days), { name: 'VaultError' });
});

test('an expiry lies in the future and sorts as text', (t) => {
  const now = new Date('2026-05-01T10:00:00.000Z');
  t.is(parseExpiry(new Date('2026-05-01T10:00:00.001Z'), now), '2026-05-01T10:00:00.001Z');
  t.is(parseExpiry(null, now), null);
  for (const time of [now, new Date('2026-05-01T09:59:59.999Z')])
    t.throws(() => parseExpiry(time, now), { message: 'expiresAt must lie in the future' });
  for (const time of [new Date(Number.NaN), new Date('+010000-01-01T00:00:00Z')])
    t.throws(() => parseExpiry(time, now), { name: 'VaultError' });
});
