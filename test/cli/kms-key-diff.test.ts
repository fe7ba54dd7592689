import test from 'ava';
import { sideBySide } from '../../src/cli/commands/cloud/kms-key-diff.ts';

const ours = {
  Version: '2012-10-17',
  Statement: [
    { Sid: 'a', Effect: 'Allow', Principal: { AWS: ['x'] }, Action: ['kms:B', 'kms:A'], Resource: '*' },
  ],
};

test('the same policy in another form shows no difference', (t) => {
  const aws = {
    Statement: [
      { Resource: '*', Effect: 'Allow', Action: ['kms:A', 'kms:B'], Principal: { AWS: 'x' }, Sid: 'a' },
    ],
    Version: '2012-10-17',
  };
  const lines = sideBySide(ours, aws, 120);
  t.true(
    lines.every((line) => !/ [<>] /.test(line)),
    lines.join('\n'),
  );
});

test('what only one of them has is marked, beside nothing', (t) => {
  const [statement] = ours.Statement;
  const lines = sideBySide(ours, { ...ours, Statement: [{ ...statement, Action: ['kms:A', 'kms:C'] }] }, 80);
  t.true(lines.some((line) => /^ +"kms:B" +<$/.test(line)));
  t.true(lines.some((line) => /^ +> +"kms:C"$/.test(line)));
});

test('what differs is painted, and nothing else', (t) => {
  const [statement] = ours.Statement;
  const aws = { ...ours, Statement: [{ ...statement, Resource: 'x\u202ey' }] };
  const painted: string[] = [];
  const lines = sideBySide(ours, aws, 80, (line) => {
    painted.push(line);
    return `!${line}`;
  });
  t.deepEqual(
    painted.map((line) => line.trim().replaceAll(/ +/g, ' ')),
    ['"Resource": "*" <', '> "Resource": "x\ufffdy"'],
  );
  t.is(lines.filter((line) => line.startsWith('!')).length, 2);
});

test('long lines are broken within their column', (t) => {
  const arn = `arn:aws:iam::111122223333:role/${'x'.repeat(100)}`;
  const lines = sideBySide({ Principal: arn }, null, 60);
  t.true(lines.every((line) => line.length <= 60));
  t.true(lines.join('').replaceAll(/[\s<]/g, '').includes('x'.repeat(28)));
  t.true(lines.some((line) => line.includes('(not known)')));
});
