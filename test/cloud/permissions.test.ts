import test from 'ava';
import { parseIdentity } from '../../src/cloud/aws/identity-check.ts';
import { minPolicy, permissionsOf, trustPolicy, workingGroups } from '../../src/cloud/aws/permissions.ts';

const china = { partition: 'aws-cn', accountId: '111122223333', userArn: '', roleArn: '' } as const;

test('a policy names nothing of another partition or account, and no wildcard where there is an ARN', (t) => {
  const { Statement } = minPolicy([...workingGroups, 'own-access-key'], china);
  const arns = JSON.stringify(Statement).match(/"arn:[^"]+"/g) ?? [];
  t.true(arns.length >= 4);
  for (const arn of arns) t.regex(arn, /^"arn:aws-cn:(?:kms:\*|iam:):111122223333:/);
  // Custom key stores, keys to come, and lists have no ARN (Service Authorization Reference).
  t.deepEqual(
    Statement.filter(({ Resource }) => Resource === '*').map(({ Sid }) => Sid),
    ['HoldfastExternalKeyStores', 'HoldfastCreateKeys', 'HoldfastListKeys', 'HoldfastListPrincipals'],
  );
  t.false(JSON.stringify(Statement).includes('kms:*"'));
});

test('each statement says why, and keys are confined to those of external key stores', (t) => {
  const permissions = permissionsOf([...workingGroups, 'own-access-key', 'assume-role']);
  t.true(permissions.every(({ why, sid }) => why !== '' && /^Holdfast[A-Za-z]+$/.test(sid)));
  for (const { sid, actions, condition } of permissions)
    if (actions.some((action) => /^kms:(?:CreateKey|ScheduleKeyDeletion|PutKeyPolicy)$/.test(action)))
      t.deepEqual(condition?.['StringEquals'], { 'kms:KeyOrigin': 'EXTERNAL_KEY_STORE' }, sid);
});

test('the own access key is confined to its user, with the path, else to whoever asks', (t) => {
  const resource = (userArn: string) =>
    minPolicy(['own-access-key'], { ...china, userArn }).Statement[0]?.['Resource'];
  const arn = 'arn:aws-cn:iam::111122223333:user/machines/holdfast';
  t.is(resource(arn), arn);
  t.is(resource(''), 'arn:aws-cn:iam::111122223333:user/${aws:username}');
});

test('a trust policy demands the external id; a session of a role is trusted by its role, whatever its path', (t) => {
  const user = 'arn:aws:iam::111122223333:user/holdfast';
  t.like(trustPolicy(user, 'the-id').Statement[0], {
    Principal: { AWS: user },
    Condition: { StringEquals: { 'sts:ExternalId': 'the-id' } },
  });
  const session = 'arn:aws:sts::111122223333:assumed-role/node-role/i-0123456789abcdef0';
  t.like(trustPolicy(session, 'the-id').Statement[0], {
    Principal: { AWS: 'arn:aws:iam::111122223333:root' },
    Condition: {
      StringEquals: { 'sts:ExternalId': 'the-id' },
      ArnLike: {
        'aws:PrincipalArn': [
          'arn:aws:iam::111122223333:role/node-role',
          'arn:aws:iam::111122223333:role/*/node-role',
        ],
      },
    },
  });
});

test('whose a credential is, is read out of its ARN', (t) => {
  const kindOf = (arn: string) => [parseIdentity(arn)?.kind, parseIdentity(arn)?.name];
  t.deepEqual(kindOf('arn:aws:iam::111122223333:root'), ['root', '']);
  t.deepEqual(kindOf('arn:aws-us-gov:iam::111122223333:user/a/b/holdfast'), ['user', 'holdfast']);
  t.deepEqual(kindOf('arn:aws:sts::111122223333:assumed-role/Role/session'), ['role', 'Role']);
  t.deepEqual(kindOf('arn:aws:sts::111122223333:federated-user/x'), ['other', '']);
  t.deepEqual(kindOf('no ARN'), [undefined, undefined]);
});
