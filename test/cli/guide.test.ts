import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { createSoftHsmToken } from '../../testing/tokens.ts';
import { PageTyping } from '../docs/typing.ts';
import { apiScript, beginning, guideScript, headingOf, isTask } from './guide-blocks.ts';
import { walk } from './guide-walk.ts';
import { nodeWithAws, type NodeWithAws } from './node-with-aws.ts';

const test = anyTest as TestFn<NodeWithAws & { dispose: (() => Promise<unknown>)[] }>;

const guide = new PageTyping(import.meta.url, 'docs/guide.md');
const examples = new PageTyping(import.meta.url, 'docs/api-examples.md');
/** What each walk has said on standard error. */
const said: string[] = [];

const bin = path.resolve(import.meta.dirname, '../../bin');

test.before(async (t) => {
  const dispose: (() => Promise<unknown>)[] = [];
  t.context.dispose = dispose;
  const fixture = await createSoftHsmToken();
  dispose.push(async () => fixture.dispose());
  const tokens = [{ fixture, name: 'primary' }];
  // As the guide has it.
  Object.assign(t.context, await nodeWithAws({ tokens, hostNames: ['xks.example.com'], dispose }));
});
test.after.always(async (t) => {
  for (const dispose of t.context.dispose.toReversed()) await dispose();
});

test('every task of the guide has its example with the API, beneath the same heading', (t) => {
  const tasks = guide.blocks.filter(isTask).map(headingOf);
  t.true(new Set(tasks).size > 20);
  t.deepEqual(
    examples.blocks.map(headingOf).filter((heading) => heading !== beginning),
    tasks,
  );
});

/** What the guide says once, each walk has for itself: a vault, an AWS account, a bucket. */
const walks = [
  { form: 'command-line', accountId: '111122223333', vault: 'emea', bucket: 'example-payslips' },
  { form: 'api', accountId: '444455556666', vault: 'apac', bucket: 'example-payslips-too' },
] as const;

for (const { form, accountId, vault, bucket } of walks)
  test.serial(`the guide can be walked from beginning to end: ${form}`, async (t) => {
    const { node, simulator, env } = t.context;
    const directory = path.join(node.directory, form);
    await mkdir(directory);
    // The last block of the guide, for the node's own shell: where nobody can sign in any more.
    const printed = await node.cli('init', '--reset-administrator', 'admin');
    const [, password] = /first password: (\S+)/.exec(printed) ?? [];
    await writeFile(path.join(directory, 'admin.first'), `${password}\n`, { mode: 0o600 });
    const { accessKeyId, secretAccessKey } = simulator.account(accountId);
    const script = [
      'set -e',
      preparation,
      form === 'api' ? apiScript(guide, examples) : guideScript(guide),
      proof,
    ]
      .join('\n')
      .replaceAll('111122223333', accountId)
      .replaceAll('emea', vault)
      .replaceAll('example-payslips', bucket);
    const { code, output, errors } = await walk(script, {
      directory,
      awsOptions: ['--endpoint-url', simulator.url],
      doctorOptions: ['--connect', `127.0.0.1:${node.port}`, '--ca', node.admin.ca],
      env: {
        PATH: `${bin}:${process.env['PATH']}`,
        HOME: directory,
        ...env,
        ...{ AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
      },
    });
    t.is(code, 0, `${output.slice(-2000)}\n${errors.slice(-2000)}`);
    said.push(errors);
  });

test.serial('between them the two have typed every block', (t) => {
  t.deepEqual(guide.untyped(...said), []);
  t.deepEqual(examples.untyped(...said), []);
});

/** What is in the AWS account before: the roles that the guide names. */
const preparation = `
export AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
for role in KeyAdmin Payroll; do
  aws iam create-role --role-name $role --output text --assume-role-policy-document '{"Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"}]}'
done
`;

/** What the guide leaves: keys that AWS can use, with the credentials that took over. */
const proof = `
aws s3 cp s3://example-payslips/payslip.txt proof.txt
cmp payslip.txt proof.txt
aws kms describe-key --key-id alias/archive --query KeyMetadata.XksKeyConfiguration.Id
aws kms encrypt --key-id alias/ledger --plaintext fileb://payslip.txt --query CiphertextBlob --output text
`;
