import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { Simulator } from '../../simulator/simulator.ts';
import { TestNode } from '../support/test-node.ts';
import { createSoftHsmToken } from '../support/tokens.ts';
import { PageTyping } from '../docs/typing.ts';
import { apiScript, beginning, guideScript, headingOf, isTask } from './guide-blocks.ts';
import { walk } from './guide-walk.ts';

const test = anyTest as TestFn<{ node: TestNode; simulator: Simulator; dispose: (() => Promise<unknown>)[] }>;

const guide = new PageTyping(import.meta.url, 'docs/guide.md');
const examples = new PageTyping(import.meta.url, 'docs/api-examples.md');
/** What each walk has said on standard error. */
const said: string[] = [];

const bin = path.resolve(import.meta.dirname, '../../bin');
/** As the guide has it. */
const hostName = 'xks.example.com';

test.before(async (t) => {
  const dispose: (() => Promise<unknown>)[] = [];
  t.context.dispose = dispose;
  Object.assign(t.context, await nodeWithAws(dispose));
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
    const { node, simulator } = t.context;
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
        HOLDFAST_ENDPOINT: node.admin.endpoint,
        HOLDFAST_CA: node.admin.ca,
        ...{ AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
        ...{ AWS_CA_BUNDLE: path.join(node.directory, 'aws-ca.pem'), AWS_EC2_METADATA_DISABLED: 'true' },
      },
    });
    t.is(code, 0, `${output.slice(-2000)}\n${errors.slice(-2000)}`);
    said.push(errors);
  });

test.serial('between them the two have typed every block', (t) => {
  t.deepEqual(guide.untyped(...said), []);
  t.deepEqual(examples.untyped(...said), []);
});

/** A whole node whose AWS is the simulator, which finds the node under the guide's name. */
async function nodeWithAws(
  dispose: (() => Promise<unknown>)[],
): Promise<{ node: TestNode; simulator: Simulator }> {
  const fixture = await createSoftHsmToken();
  dispose.push(async () => fixture.dispose());
  const node = await TestNode.create({
    tokens: [{ fixture, name: 'primary' }],
    admin: true,
    hostNames: [hostName, 'localhost'],
  });
  dispose.push(async () => node.dispose());
  const resolve: Record<string, string> = {};
  const simulator = await Simulator.start({
    resolve,
    xksCa: await readFile(node.ca.certificate, 'utf8'),
    // AWS waits longer than its 250 ms for a proxy that shares its machine with other tests.
    time: { connectMs: 0, disconnectMs: 0, xksTimeoutMs: 30_000 },
  });
  dispose.push(async () => simulator.close());
  const { url } = simulator;
  await writeFile(path.join(node.directory, 'aws-ca.pem'), simulator.ca);
  await appendFile(
    node.config,
    `\n[aws]\nca = "aws-ca.pem"\n[aws.endpoints]\nkms = "${url}"\niam = "${url}"\nsts = "${url}"\n`,
  );
  await node.serve();
  resolve[hostName] = `127.0.0.1:${node.port}`;
  return { node, simulator };
}

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
