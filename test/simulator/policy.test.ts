import test from 'ava';
import fc from '../../testing/properties.ts';
import { fillVariables, matches, matchesAction } from '../../simulator/policy-match.ts';
import { evaluate, parsePolicy, PolicyError, type ConditionContext } from '../../simulator/policy.ts';
import type { Principal } from '../../simulator/principal.ts';

const key = 'arn:aws:kms:eu-west-1:111122223333:key/k';
const userArn = 'arn:aws:iam::111122223333:user/alice';

function principal(over: Partial<Principal> = {}, ...identity: object[]): Principal {
  return {
    ...{ kind: 'user', accountId: '111122223333', arn: userArn, policyArn: userArn },
    ...{ id: 'AIDAEXAMPLEEXAMPLE1', name: 'alice', accessKeyId: 'AKIAEXAMPLE' },
    policies: identity.map((statement) => document(statement, 'identity')),
    sessionPolicies: [],
    ...over,
  };
}

function document(statement: object, kind: 'identity' | 'resource' | 'trust' = 'resource') {
  return parsePolicy(JSON.stringify({ Version: '2012-10-17', Statement: statement }), kind);
}

function decide(
  who: Principal,
  parts: {
    keyPolicy?: object;
    action?: string;
    context?: ConditionContext;
    optional?: boolean;
    on?: string;
  } = {},
): string {
  const decision = evaluate({
    ...{ principal: who, action: parts.action ?? 'kms:Encrypt', resourceArn: parts.on ?? key },
    resourceAccountId: '111122223333',
    resourcePolicyIs: parts.optional === true ? 'optional' : 'required',
    ...(parts.keyPolicy === undefined ? {} : { resourcePolicy: document(parts.keyPolicy) }),
    context: parts.context ?? {},
  });
  return decision.allowed ? 'allowed' : decision.reason;
}

const allow = { Effect: 'Allow', Action: 'kms:*', Resource: '*' };
const deny = { Effect: 'Deny', Action: 'kms:*', Resource: '*' };
const to = (AWS: string, statement: object = allow) => ({ ...statement, Principal: { AWS } });
const account = to('arn:aws:iam::111122223333:root');
const stranger = { accountId: '444455556666', arn: 'arn:aws:iam::444455556666:user/alice' };
const foreign = { ...stranger, policyArn: stranger.arn };
const root = {
  kind: 'root',
  arn: 'arn:aws:iam::111122223333:root',
  policyArn: 'arn:aws:iam::111122223333:root',
} as const;
const session: Partial<Principal> = {
  ...{
    kind: 'assumed-role',
    id: 'AROAEXAMPLE:s',
    name: 'role',
    policyArn: 'arn:aws:iam::111122223333:role/p/role',
  },
  arn: 'arn:aws:sts::111122223333:assumed-role/role/s',
};

const noResource = 'no resource-based policy allows the kms:Encrypt action';
const noIdentity = 'no identity-based policy allows the kms:Encrypt action';
const rows: [name: string, who: Principal, keyPolicy: object | undefined, outcome: string][] = [
  ['a key policy that names the user', principal(), to(userArn), 'allowed'],
  ['a key policy that names everyone', principal(), to('*'), 'allowed'],
  ['a key policy for the account, and an identity policy', principal({}, allow), account, 'allowed'],
  ['a key policy for the account by its id alone', principal({}, allow), to('111122223333'), 'allowed'],
  ['a key policy for the account, and no identity policy', principal(), account, noIdentity],
  [
    'an identity policy, and a key policy that leaves the account out',
    principal({}, allow),
    to(stranger.arn),
    noResource,
  ],
  ['an identity policy and no key policy', principal({}, allow), undefined, noResource],
  ['root, under a key policy for the account', principal(root), account, 'allowed'],
  ['root, under a key policy that leaves the account out', principal(root), to(userArn), noResource],
  [
    'an explicit deny of the key policy',
    principal({}, allow),
    [account, to(userArn, deny)],
    'there is an explicit deny in a resource-based policy',
  ],
  [
    'an explicit deny of the key policy for the account',
    principal({}, allow),
    [to(userArn), to('111122223333', deny)],
    'there is an explicit deny in a resource-based policy',
  ],
  [
    'an explicit deny of the identity policy',
    principal({}, deny),
    to(userArn),
    'there is an explicit deny in an identity-based policy',
  ],
  ['another account, named, and allowed at home', principal(foreign, allow), to(stranger.arn), 'allowed'],
  ['another account, named, and not allowed at home', principal(foreign), to(stranger.arn), noIdentity],
  ['another account, not named', principal(foreign, allow), account, noResource],
  [
    "another account's root that is named",
    principal({ ...foreign, kind: 'root' }),
    to('444455556666'),
    'allowed',
  ],
  [
    "a role's session by the role's ARN",
    principal(session),
    to('arn:aws:iam::111122223333:role/p/role'),
    'allowed',
  ],
  [
    "a role's session by its own ARN",
    principal(session),
    to('arn:aws:sts::111122223333:assumed-role/role/s'),
    'allowed',
  ],
  [
    'another session of the role',
    principal(session),
    to('arn:aws:sts::111122223333:assumed-role/role/t'),
    noResource,
  ],
  ['a user by the unique id', principal(), to('AIDAEXAMPLEEXAMPLE1'), 'allowed'],
  [
    'a service principal in place of the user',
    principal(),
    { ...allow, Principal: { Service: 's3.amazonaws.com' } },
    noResource,
  ],
  [
    'NotPrincipal that leaves the user out of a deny',
    principal(),
    [to(userArn), { ...deny, NotPrincipal: { AWS: userArn } }],
    'allowed',
  ],
  [
    'NotPrincipal that denies everybody else',
    principal(),
    [to(userArn), { ...deny, NotPrincipal: { AWS: stranger.arn } }],
    'there is an explicit deny in a resource-based policy',
  ],
  [
    'a session policy that does not allow it',
    principal({ sessionPolicies: [document({ ...allow, Action: 'kms:Decrypt' }, 'identity')] }, allow),
    account,
    'no session policy allows the kms:Encrypt action',
  ],
  [
    'a session policy that denies it',
    principal({ sessionPolicies: [document(deny, 'identity')] }, allow),
    account,
    'there is an explicit deny in a session policy',
  ],
];

for (const [name, who, keyPolicy, outcome] of rows)
  test(`KMS key: ${name} → ${outcome}`, (t) => {
    t.is(decide(who, keyPolicy === undefined ? {} : { keyPolicy }), outcome);
  });

test('where a resource policy is optional, either suffices within the account, both are needed across', (t) => {
  t.is(decide(principal({}, allow), { optional: true }), 'allowed');
  t.is(decide(principal(), { optional: true, keyPolicy: to(userArn) }), 'allowed');
  t.is(decide(principal(), { optional: true }), noIdentity);
  t.is(decide(principal(foreign, allow), { optional: true }), noResource);
});

test('Action, NotAction, Resource and NotResource', (t) => {
  const may = (statement: object, action: string, on = key): boolean =>
    decide(principal({}, { Effect: 'Allow', ...statement }), { keyPolicy: account, action, on }) ===
    'allowed';
  t.true(may({ Action: 'KMS:encrypt', Resource: key }, 'kms:Encrypt'));
  t.true(may({ Action: ['kms:Re*', 'kms:Enc?ypt'], Resource: '*' }, 'kms:Encrypt'));
  t.false(may({ Action: 'kms:Enc', Resource: '*' }, 'kms:Encrypt'));
  t.true(may({ NotAction: 'kms:Decrypt', Resource: '*' }, 'kms:Encrypt'));
  t.false(may({ NotAction: 'kms:*', Resource: '*' }, 'kms:Encrypt'));
  t.false(may({ Action: '*', Resource: `${key}x` }, 'kms:Encrypt'));
  t.true(may({ Action: '*', Resource: 'arn:aws:kms:*:*:key/*' }, 'kms:Encrypt'));
  t.false(may({ Action: '*', NotResource: key }, 'kms:Encrypt'));
  t.true(may({ Action: '*', NotResource: 'arn:aws:kms:*:*:alias/*' }, 'kms:Encrypt'));
});

const now = '2026-11-24T12:00:00Z';
const given: ConditionContext = {
  ...{ 'kms:ViaService': 's3.eu-west-1.amazonaws.com', 'kms:CallerAccount': '111122223333' },
  ...{ 'kms:EncryptionContext:project': 'nile', 'aws:PrincipalArn': 'arn:aws:iam::111122223333:role/p/role' },
  ...{ 'aws:SourceIp': '10.1.2.3', 'aws:CurrentTime': now, 'aws:SecureTransport': 'true', size: '10' },
  ...{ tags: ['a', 'b'], none: [], 'aws:username': 'a*' },
};
const conditions: [operator: string, condition: object, holds: boolean][] = [
  ['StringEquals', { 'kms:ViaService': ['x', 's3.eu-west-1.amazonaws.com'] }, true],
  ['StringEquals', { 'KMS:viaservice': 's3.eu-west-1.amazonaws.com' }, true],
  ['StringEquals', { 'kms:ViaService': 'S3.eu-west-1.amazonaws.com' }, false],
  ['StringEquals', { 'kms:ViaService': 's3.*' }, false],
  ['StringEquals', { absent: 'x' }, false],
  ['StringEqualsIfExists', { absent: 'x' }, true],
  ['StringEqualsIfExists', { 'kms:CallerAccount': 'x' }, false],
  ['StringNotEquals', { 'kms:CallerAccount': '111122223333' }, false],
  ['StringNotEquals', { absent: 'x' }, true],
  ['StringEqualsIgnoreCase', { 'kms:ViaService': 'S3.EU-WEST-1.AMAZONAWS.COM' }, true],
  ['StringLike', { 'kms:ViaService': ['ec2.*', 's3.*.amazonaws.com'] }, true],
  ['StringLike', { 'kms:EncryptionContext:project': 'n?le' }, true],
  ['StringNotLike', { 'kms:EncryptionContext:project': 'n*' }, false],
  ['StringEquals', { 'kms:EncryptionContext:project': 'nile', 'kms:CallerAccount': 'x' }, false],
  ['ArnLike', { 'aws:PrincipalArn': 'arn:aws:iam::*:role/p/*' }, true],
  ['ArnLike', { 'aws:PrincipalArn': 'arn:aws:*:role/p/*' }, false],
  ['ArnEquals', { 'aws:PrincipalArn': 'arn:aws:iam::111122223333:role/*/role' }, true],
  ['ArnNotLike', { 'aws:PrincipalArn': 'arn:aws:iam::*:role/*' }, false],
  ['Bool', { 'aws:SecureTransport': 'true' }, true],
  ['Bool', { 'aws:SecureTransport': false }, false],
  ['Bool', { 'aws:MultiFactorAuthPresent': 'true' }, false],
  ['Null', { 'kms:ViaService': 'true' }, false],
  ['Null', { 'kms:ViaService': 'false' }, true],
  ['Null', { absent: 'true' }, true],
  ['Null', { none: 'true' }, true],
  ['IpAddress', { 'aws:SourceIp': ['192.168.0.0/16', '10.0.0.0/8'] }, true],
  ['IpAddress', { 'aws:SourceIp': '10.1.2.3' }, true],
  ['NotIpAddress', { 'aws:SourceIp': '10.0.0.0/8' }, false],
  ['IpAddress', { 'aws:SourceIp': '2001:db8::/32' }, false],
  ['NumericLessThanEquals', { size: 10 }, true],
  ['NumericLessThan', { size: '10' }, false],
  ['NumericGreaterThan', { size: '9.5' }, true],
  ['DateGreaterThan', { 'aws:CurrentTime': '2026-11-24T11:59:59Z' }, true],
  ['DateLessThan', { 'aws:CurrentTime': '1700000000' }, false],
  ['ForAnyValue:StringEquals', { tags: ['b', 'c'] }, true],
  ['ForAllValues:StringEquals', { tags: ['a'] }, false],
  ['ForAllValues:StringLike', { tags: ['?'] }, true],
  ['ForAllValues:StringEquals', { absent: 'x' }, true],
  ['ForAnyValue:StringEquals', { absent: 'x' }, false],
  ['ForAnyValue:StringNotEquals', { absent: 'x' }, false],
  ['ForAnyValue:StringNotEquals', { tags: ['a'] }, true],
  ['StringEquals', { 'aws:username': '${aws:username}' }, true],
  ['StringLike', { 'kms:EncryptionContext:project': '${aws:username}' }, false],
  ['StringEquals', { 'kms:EncryptionContext:project': "${absent, 'nile'}" }, true],
  ['StringEquals', { 'kms:EncryptionContext:project': '${absent}' }, false],
];

for (const [operator, condition, holds] of conditions)
  test(`condition ${operator} ${JSON.stringify(condition)} ${holds ? 'holds' : 'does not hold'}`, (t) => {
    const who = principal({}, { ...allow, Condition: { [operator]: condition } });
    t.is(decide(who, { keyPolicy: account, context: given }) === 'allowed', holds);
  });

test('an operator that AWS does not have is refused when the policy is read, never skipped', (t) => {
  for (const operator of [
    'StringEqual',
    'stringEquals',
    'NullIfExists',
    'ForSomeValues:StringEquals',
    'constructor',
    '__proto__',
  ]) {
    const text = `{"Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*","Condition":{"${operator}":{"a":"b"}}}}`;
    const error = t.throws(() => parsePolicy(text, 'identity'), { instanceOf: PolicyError });
    t.regex(error.message, /operator/);
  }
});

const malformed: Record<string, [text: string, kind: 'identity' | 'resource' | 'trust']> = {
  'no JSON': ['{planted', 'identity'],
  'a list': ['[]', 'identity'],
  'another version': ['{"Version":"2020-01-01","Statement":[]}', 'identity'],
  'a member that policies do not have': [JSON.stringify({ Statement: allow, planted: 1 }), 'identity'],
  'a statement member that policies do not have': [
    JSON.stringify({ Statement: { ...allow, planted: 1 } }),
    'identity',
  ],
  'Effect in small letters': [JSON.stringify({ Statement: { ...allow, Effect: 'allow' } }), 'identity'],
  'Action and NotAction': [JSON.stringify({ Statement: { ...allow, NotAction: 'kms:*' } }), 'identity'],
  'no Action': [JSON.stringify({ Statement: { Effect: 'Allow', Resource: '*' } }), 'identity'],
  'an action without a service': [JSON.stringify({ Statement: { ...allow, Action: 'planted' } }), 'identity'],
  'a resource that is no ARN': [JSON.stringify({ Statement: { ...allow, Resource: 'planted' } }), 'identity'],
  'a principal in an identity policy': [JSON.stringify({ Statement: account }), 'identity'],
  'no principal in a key policy': [JSON.stringify({ Statement: allow }), 'resource'],
  'a resource in a trust policy': [JSON.stringify({ Statement: account }), 'trust'],
  'a principal that is no ARN': [JSON.stringify({ Statement: to('planted') }), 'resource'],
  'the same Sid twice': [
    JSON.stringify({
      Statement: [
        { ...allow, Sid: 'a' },
        { ...allow, Sid: 'a' },
      ],
    }),
    'identity',
  ],
  'a condition value that is an object': [
    JSON.stringify({ Statement: { ...allow, Condition: { Bool: { a: {} } } } }),
    'identity',
  ],
};

for (const [name, [text, kind]] of Object.entries(malformed))
  test(`a policy with ${name} is refused, and not repeated`, (t) => {
    const error = t.throws(() => parsePolicy(text, kind), { instanceOf: PolicyError });
    t.notRegex(error.message, /planted/);
  });

const letters = fc.string({
  unit: fc.constantFrom('a', 'b', ':', '/', '*', '?', '$', '.', 'ü', '😀'),
  maxLength: 12,
});

test('a pattern fits what the same regular expression fits', (t) => {
  fc.assert(
    fc.property(letters, letters, (pattern, text) => {
      const source = Array.from(pattern, (one) => {
        if (one === '*') return '.*';
        return one === '?' ? '.' : one.replace(/[$./]/, String.raw`\$&`);
      }).join('');
      return matches(pattern, text) === new RegExp(`^${source}$`, 'su').test(text);
    }),
    { numRuns: 500 },
  );
  t.true(matchesAction('KMS:*', 'kms:encrypt'));
});

test('every text fits itself with any part of it replaced by *', (t) => {
  t.notThrows(() =>
    fc.assert(
      fc.property(letters, fc.nat(12), fc.nat(12), (text, a, b) => {
        const characters = Array.from(text);
        characters.splice(Math.min(a, b), Math.abs(a - b), '*');
        return matches(characters.join(''), text);
      }),
    ),
  );
});

test('what a variable brings in is never a wildcard', (t) => {
  t.notThrows(() =>
    fc.assert(
      fc.property(letters, letters, (value, text) => {
        const filled = fillVariables('x/${aws:username}', { 'aws:username': value });
        return filled !== undefined && matches(filled, `x/${text}`) === (value === text);
      }),
    ),
  );
});

test('a pattern of many stars is decided at once', (t) => {
  const began = performance.now();
  t.false(matches('*a'.repeat(500), 'a'.repeat(2000) + 'b'));
  t.true(performance.now() - began < 2000);
});
