import test from 'ava';
import {
  Comparison,
  mostGroups,
  TrailRecords,
  UnexplainedError,
  type Unexplained,
} from '../../src/cloudtrail/unexplained.ts';

/* Which requests in the log CloudTrail knows nothing of, and the other way round. */

const key = 'arn:aws:kms:eu-central-1:111122223333:key/1';
const arn = 'arn:aws:iam::111122223333:role/app';
const at = (second: number) => `2026-05-05T12:00:${String(second).padStart(2, '0')}`;

const record = (second: number, requestID: string, more: object = {}) => ({
  ...{ eventTime: `${at(second)}Z`, eventSource: 'kms.amazonaws.com', eventName: 'GenerateDataKey' },
  ...{ awsRegion: 'eu-central-1', recipientAccountId: '111122223333', requestID, userIdentity: { arn } },
  resources: [{ ARN: key }],
  ...more,
});
const line = (second: number, kmsRequestId: string, more: object = {}) =>
  JSON.stringify({
    ...{ level: 'info', time: `${at(second)}.500Z`, operation: 'Encrypt', status: 200, keySet: 'payments' },
    ...{ accessKeyId: 'AKID', externalKeyId: 'x', kmsRequestId, kmsKeyArn: key, principal: arn },
    ...{ remote: '192.0.2.1', msg: 'request' },
    ...more,
  });

function compared(records: readonly object[], log: readonly string[]): Unexplained {
  const trail = new TrailRecords();
  trail.add(JSON.stringify({ Records: records }));
  const comparison = new Comparison(trail);
  for (const one of log) comparison.add(one);
  return comparison.result();
}

/** Before and after all that is compared. */
const ends = [record(0, 'first'), record(50, 'last')];

test('a request that CloudTrail knows is explained, however often AWS asked; another is told with who signed it', (t) => {
  const found = compared(
    [...ends, record(10, 'a')],
    [
      line(10, 'a'),
      line(10, 'a', { operation: 'Decrypt' }),
      line(11, 'thief'),
      line(12, 'thief-2'),
      line(9, 'b'),
    ],
  );
  t.like(found, { requests: 5, explained: 2, notCovered: 0, unexplained: { count: 3 } });
  t.deepEqual(found.unexplained.groups, [
    {
      ...{ operation: 'Encrypt', principal: arn, kmsKeyArn: key, keySet: 'payments', externalKeyId: 'x' },
      ...{ accessKeyId: 'AKID', remote: '192.0.2.1', count: 3 },
      ...{ firstAt: `${at(9)}.500Z`, lastAt: `${at(12)}.500Z`, kmsRequestId: 'thief-2' },
    },
  ]);
  t.deepEqual(found.notInLog, { count: 0, groups: [] });
  t.deepEqual(found.covered, [
    { awsAccountId: '111122223333', region: 'eu-central-1', from: `${at(0)}.000Z`, to: `${at(50)}.000Z` },
  ]);
});

test('of what no record covers nothing is said: another account or Region, before and after', (t) => {
  const others = ['arn:aws:kms:eu-west-1:111122223333:key/1', 'arn:aws:kms:eu-central-1:444455556666:key/1'];
  const found = compared(
    [record(5, 'first'), record(9, 'last')],
    [
      ...others.map((kmsKeyArn) => line(7, 'x', { kmsKeyArn })),
      ...[line(4, 'early'), line(9, 'late'), line(7, 'thief')],
    ],
  );
  t.like(found, { requests: 5, explained: 0, notCovered: 4, unexplained: { count: 1 } });
});

test('what is no encryption or decryption of a key set needs no record', (t) => {
  const found = compared(ends, [
    ...[line(10, 'health', { operation: 'GetHealthStatus' }), line(10, 'm', { operation: 'GetKeyMetadata' })],
    // Whose signature was refused is nobody's.
    line(10, 'forged', { keySet: undefined, status: 401 }),
    ...['', 'Listening', '{"time":', '[]', JSON.stringify({ time: 'x', operation: 'Encrypt' })],
    line(10, 'thief'),
  ]);
  t.like(found, { requests: 1, unexplained: { count: 1 } });
});

test('what CloudTrail says was done and no node served is told, of keys that the log knows, while it was written', (t) => {
  const log = [line(10, 'a'), line(30, 'b')];
  const known = [record(10, 'a'), record(30, 'b')];
  const found = compared(
    [
      ...[...ends, ...known, record(20, 'elsewhere'), record(5, 'early'), record(40, 'late')],
      record(20, 'denied', { errorCode: 'AccessDenied' }),
      record(20, 'look', { eventName: 'DescribeKey' }),
      record(20, 'of-another', { resources: [{ ARN: `${key}2` }] }),
      record(20, 'again', { eventName: 'ReEncrypt', resources: [{ ARN: 'arn:other' }, { ARN: key }] }),
      record(20, 'service', { userIdentity: { invokedBy: 's3.amazonaws.com' } }),
    ],
    log,
  );
  t.is(found.notInLog?.count, 3);
  t.deepEqual(
    found.notInLog?.groups.map(({ operation, principal, kmsRequestId }) => [
      operation,
      principal,
      kmsRequestId,
    ]),
    [
      ['GenerateDataKey', arn, 'elsewhere'],
      ['ReEncrypt', arn, 'again'],
      ['GenerateDataKey', 's3.amazonaws.com', 'service'],
    ],
  );
  // A log that leaves out what succeeded cannot say so.
  const leftOut = JSON.stringify({
    time: `${at(20)}.000Z`,
    msg: 'successful requests were left out of the log',
  });
  t.is(compared([...ends, record(20, 'elsewhere')], [...log, leftOut]).notInLog, null);
});

test('answers of lookup-events are read as well, and what is neither is refused', (t) => {
  const trail = new TrailRecords();
  trail.add(JSON.stringify({ Events: [{ EventId: '1', CloudTrailEvent: JSON.stringify(record(10, 'a')) }] }));
  t.true(trail.byId.has('a'));
  const refused = ['', 'x', '[]', '{}', '{"Records":[1]}', '{"Records":[{}]}', '{"Events":[{}]}'];
  for (const text of refused)
    t.throws(() => new TrailRecords().add(text), { instanceOf: UnexplainedError }, text);
  // An empty answer is an answer, and a log without requests is none.
  trail.add('{"Records":[]}');
  t.throws(() => new Comparison(trail).result(), { instanceOf: UnexplainedError });
});

test('so many kinds are told apart, and all are counted', (t) => {
  const log = Array.from({ length: mostGroups + 5 }, (_, n) => line(10, `r${n}`, { principal: `p${n}` }));
  const { unexplained } = compared(ends, [...log, line(11, 'again', { principal: 'p7' })]);
  t.is(unexplained.count, mostGroups + 6);
  t.is(unexplained.groups.length, mostGroups);
  t.like(unexplained.groups[0], { principal: 'p7', count: 2 });
});
