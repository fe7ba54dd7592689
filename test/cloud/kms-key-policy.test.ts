import test from 'ava';
import fc from '../../testing/properties.ts';
import {
  KeyPolicyError,
  maxKeyPolicyLength,
  parseKeyPolicy,
  writeKeyPolicy,
} from '../../src/cloud/aws/key-policy.ts';
import { comparePolicies } from '../../src/cloud/aws/kms-policy-comparison.ts';

type Json = Record<string, unknown>;

const input = {
  partition: 'aws',
  accountId: '111122223333',
  administrators: ['arn:aws:iam::111122223333:role/KeyAdmins', 'arn:aws:iam::111122223333:user/ada'],
  users: ['arn:aws:iam::111122223333:role/App'],
  holdfast: 'arn:aws:iam::111122223333:user/holdfast',
  root: true,
};

function statements(text: string): Json[] {
  return (JSON.parse(text) as { Statement: Json[] }).Statement;
}

test('administrators may not encrypt or decrypt, users may not administer', (t) => {
  const [root, holdfast, administrators, users, grants] = statements(writeKeyPolicy(input));
  t.deepEqual(root?.['Principal'], { AWS: 'arn:aws:iam::111122223333:root' });
  t.is(root?.['Action'], 'kms:*');
  for (const one of [holdfast, administrators])
    for (const action of (one?.['Action'] ?? ['none']) as string[])
      t.notRegex(action, /kms:(?:\*|Encrypt|Decrypt|ReEncrypt|Generate|Sign|Verify)/);
  t.deepEqual(users?.['Action'], [
    'kms:Encrypt',
    'kms:Decrypt',
    'kms:ReEncrypt*',
    'kms:GenerateDataKey*',
    'kms:DescribeKey',
  ]);
  t.deepEqual(grants?.['Condition'], { Bool: { 'kms:GrantIsForAWSResource': 'true' } });
});

test('without the account statement nobody but those named is in the policy', (t) => {
  const text = writeKeyPolicy({ ...input, root: false });
  t.false(text.includes(':root'));
  t.is(statements(text).length, 4);
  const nobody = { ...input, root: false, administrators: [], holdfast: undefined };
  t.throws(() => writeKeyPolicy(nobody), { instanceOf: KeyPolicyError, message: /nobody could administer/ });
  const asRoot = { ...input, root: false, holdfast: `arn:aws:iam::${input.accountId}:root` };
  t.throws(() => writeKeyPolicy(asRoot), {
    instanceOf: KeyPolicyError,
    message: /signs in as the root user/,
  });
});

test('the account is that of the partition, and principals of another are refused', (t) => {
  const china = { ...input, partition: 'aws-cn', administrators: [], users: [], holdfast: undefined };
  t.true(writeKeyPolicy(china).includes('arn:aws-cn:iam::111122223333:root'));
  t.throws(() => writeKeyPolicy({ ...input, partition: 'aws-cn' }), { message: /partition aws-cn/ });
});

test('a policy that AWS would find too long is refused with a way out', (t) => {
  const users = Array.from({ length: 400 }, (_, i) => `arn:aws:iam::111122223333:role/${'x'.repeat(50)}${i}`);
  const error = t.throws(() => writeKeyPolicy({ ...input, users }), { instanceOf: KeyPolicyError });
  t.regex(error?.message ?? '', /32 KiB/);
  t.true(Buffer.byteLength(writeKeyPolicy({ ...input, users: users.slice(0, 50) })) < maxKeyPolicyLength);
});

test('the order of the lists and a name told twice change nothing', (t) => {
  const { administrators } = input;
  const other = { ...input, administrators: [...administrators, ...administrators].toReversed() };
  t.is(writeKeyPolicy(input), writeKeyPolicy(other));
});

for (const [what, document] of Object.entries({
  'a list': [],
  'no statement': { Version: '2012-10-17' },
  'an unknown version': { Version: '2020-01-01', Statement: [{}] },
  'a statement without principal': {
    Statement: { Effect: 'Allow', Action: 'kms:*', Resource: '*' },
  },
  'an effect that is none': {
    Statement: { Effect: 'allow', Principal: '*', Action: 'kms:*', Resource: '*' },
  },
  'both Action and NotAction': {
    Statement: { Effect: 'Deny', Principal: '*', Action: 'kms:*', NotAction: 'kms:*', Resource: '*' },
  },
}))
  test(`a document with ${what} is no key policy`, (t) => {
    t.throws(() => parseKeyPolicy(document), { instanceOf: KeyPolicyError });
  });

test('a document is kept as it is, but for what AWS does not take', (t) => {
  const document = { Version: '2012-10-17', Statement: statements(writeKeyPolicy(input)) };
  t.deepEqual(JSON.parse(parseKeyPolicy(document)), document);
  const odd = { ...document, Id: 'schlüssel \u{1F511}' };
  t.throws(() => parseKeyPolicy(odd), { message: /characters/ });
});

/* Comparison */

interface Statement {
  Sid?: string;
  Effect: string;
  Principal: '*' | Record<string, string[]>;
  Action: string[];
  Resource: string[];
  Condition?: {
    StringEquals: { 'kms:CallerAccount': string[] };
    Bool: { 'kms:GrantIsForAWSResource': string };
  };
}
interface Policy {
  Version: string;
  Statement: Statement[];
}

const arn = fc.constantFrom(
  'arn:aws:iam::111122223333:user/a',
  'arn:aws:iam::111122223333:role/b',
  'arn:aws:iam::444455556666:root',
  'arn:aws:sts::111122223333:assumed-role/b/session',
  '*',
);
const action = fc.constantFrom('kms:Encrypt', 'kms:Decrypt', 'kms:*', 'kms:DescribeKey', 'kms:Get*');
const some = <T>(of: fc.Arbitrary<T>) => fc.uniqueArray(of, { minLength: 1, maxLength: 4 });
const service = fc.constantFrom('s3.amazonaws.com', 'rds.amazonaws.com');
const statement: fc.Arbitrary<Statement> = fc.record(
  {
    Sid: fc.string({ maxLength: 8 }),
    Effect: fc.constantFrom('Allow', 'Deny'),
    Principal: fc.oneof(
      fc.constant('*' as const),
      fc.record({ AWS: some(arn) }),
      fc.record({ AWS: some(arn), Service: some(service) }),
    ),
    Action: some(action),
    Resource: fc.constant(['*']),
    Condition: fc.record({
      StringEquals: fc.record({
        'kms:CallerAccount': some(fc.constantFrom('111122223333', '444455556666')),
      }),
      Bool: fc.record({ 'kms:GrantIsForAWSResource': fc.constantFrom('true', 'false') }),
    }),
  },
  { requiredKeys: ['Effect', 'Principal', 'Action', 'Resource'] },
);
const policy: fc.Arbitrary<Policy> = fc.record({
  Version: fc.constantFrom('2012-10-17', '2008-10-17'),
  Statement: fc.array(statement, { minLength: 1, maxLength: 4 }),
});

/** The same policy, as another tool might have written it. */
function rewritten({ Version, Statement }: Policy, random: () => number): Json {
  const shuffled = <T>(values: readonly T[]): T[] =>
    values
      .map((value) => ({ value, at: random() }))
      .toSorted((a, b) => a.at - b.at)
      .map(({ value }) => value);
  const form = (values: readonly string[]): unknown =>
    values.length === 1 && random() < 0.7
      ? values[0]
      : shuffled(random() < 0.5 ? values : [...values, ...values.slice(0, 1)]);
  const account = (text: string) =>
    random() < 0.5 ? text.replace(/^arn:aws:iam::(\d{12}):root$/, '$1') : text;
  const principal = (value: Statement['Principal']): unknown => {
    if (value === '*') return random() < 0.5 ? '*' : { AWS: '*' };
    const kinds = shuffled(Object.entries(value));
    return Object.fromEntries(kinds.map(([kind, values]) => [kind, form(values.map(account))]));
  };
  const condition = ({ Bool, StringEquals }: NonNullable<Statement['Condition']>): Json => {
    const truth = Bool['kms:GrantIsForAWSResource'];
    return {
      Bool: { 'KMS:grantIsForAWSResource': random() < 0.5 ? truth === 'true' : [truth.toUpperCase()] },
      StringEquals: { 'kms:calleraccount': form(StringEquals['kms:CallerAccount']) },
    };
  };
  const statements = Statement.map((one): Json =>
    Object.fromEntries(
      shuffled<[string, unknown]>([
        ['Effect', one.Effect],
        ['Principal', principal(one.Principal)],
        ['Action', form(one.Action.map((text) => (random() < 0.5 ? text.toLowerCase() : text)))],
        ['Resource', form(one.Resource)],
        ...(random() < 0.5 ? [['Sid', `another ${random()}`] as [string, unknown]] : []),
        ...(one.Condition === undefined
          ? []
          : [['Condition', condition(one.Condition)] as [string, unknown]]),
      ]),
    ),
  );
  const all = shuffled(random() < 0.3 ? [...statements, ...statements.slice(0, 1)] : statements);
  return {
    Statement: all.length === 1 && random() < 0.5 ? all[0] : all,
    ...(Version === '2008-10-17' && random() < 0.5 ? {} : { Version }),
    Id: 'whatever',
  };
}

test('a policy is the same whatever the order and form that it is written in', (t) => {
  const numbers = fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true }));
  fc.assert(
    fc.property(policy, numbers, (one, stream) => {
      const random = () => Number(stream.next().value);
      return comparePolicies(JSON.stringify(one), JSON.stringify(rewritten(one, random), null, 2)).same;
    }),
    { numRuns: 400 },
  );
  t.pass();
});

test('a policy that allows or denies anything else is another', (t) => {
  fc.assert(
    fc.property(policy, fc.nat(), fc.nat(5), (one, at, change) => {
      const other = structuredClone(one);
      const changed = other.Statement[at % other.Statement.length];
      if (changed === undefined) return false;
      if (change === 0) changed.Effect = changed.Effect === 'Allow' ? 'Deny' : 'Allow';
      else if (change === 1) changed.Action = [...changed.Action, 'kms:ScheduleKeyDeletion'];
      else if (change === 2) changed.Principal = { AWS: ['arn:aws:iam::999999999999:user/mallory'] };
      else if (change === 3) changed.Resource = ['arn:aws:kms:eu-central-1:111122223333:key/other'];
      else if (change === 4)
        Object.assign(changed, { Condition: { StringLike: { 'aws:PrincipalArn': 'x' } } });
      else other.Version = other.Version === '2012-10-17' ? '2008-10-17' : '2012-10-17';
      return !comparePolicies(JSON.stringify(one), JSON.stringify(other)).same;
    }),
    { numRuns: 400 },
  );
  t.pass();
});

test('a principal that was deleted is told by the id that AWS shows in its place', (t) => {
  const ours = writeKeyPolicy(input);
  const aws = ours.replace('arn:aws:iam::111122223333:user/ada', 'AIDACKCEVSQ6C2EXAMPLE');
  const { same, deletedPrincipals, onlyOurs, onlyAws } = comparePolicies(ours, aws);
  t.false(same);
  t.deepEqual(deletedPrincipals, ['AIDACKCEVSQ6C2EXAMPLE']);
  t.deepEqual(onlyOurs, ['Allow access for Key Administrators']);
  t.deepEqual(onlyAws, ['Allow access for Key Administrators']);
});

test('what is no JSON is the same as itself only', (t) => {
  t.true(comparePolicies('{', '{').same);
  t.false(comparePolicies('{', '{}').same);
  t.false(comparePolicies('[]', JSON.stringify({ Statement: [] })).same);
});

test('a policy that lets everyone in is told', (t) => {
  const ours = writeKeyPolicy(input);
  const opened = (more: Json) =>
    comparePolicies(
      ours,
      JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: '*', Action: 'kms:Decrypt', Resource: '*', ...more }],
      }),
    ).opensToAll;
  t.true(opened({}));
  t.true(opened({ Principal: { AWS: ['*', '111122223333'] } }));
  t.false(opened({ Effect: 'Deny' }));
  t.false(opened({ Condition: { StringEquals: { 'kms:CallerAccount': '111122223333' } } }));
  t.false(opened({ Principal: { AWS: '111122223333' } }));
});
