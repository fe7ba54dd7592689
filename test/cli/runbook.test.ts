import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { TestNode } from '../../testing/test-node.ts';
import { createSoftHsmToken } from '../../testing/tokens.ts';
import { XksClient } from '../../testing/xks-client.ts';
import { PageTyping, scriptOf } from '../docs/typing.ts';
import { walk } from './guide-walk.ts';

const arn = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';

const page = new PageTyping(import.meta.url, 'docs/runbook.md');

/** The page as one script, which stops at the first command that fails and says beneath which heading. */
function runbook(): string {
  return page.blocks
    .map((block) => {
      const script = scriptOf([block], {
        wrap: ({ info, text }) => {
          // Who looks after the appliance has a sign-in of their own, and whether a machine needs attention is no matter here.
          if (info === 'sh appliance') return `( export HOLDFAST_PROFILE=appliance\n${text}\n)`;
          return info === 'sh any-exit' ? `{ ${text}\n} || [ $? = 1 ]` : text;
        },
      });
      return `echo '### ${block.headings.at(-1) ?? ''}'\n${script}`;
    })
    .join('\n');
}

test('the runbook does what it says, typed from its first line to its last', async (t) => {
  const fixture = await createSoftHsmToken();
  const node = await TestNode.start({ tokens: [{ fixture, name: 'primary' }], admin: true });
  t.teardown(async () => {
    await node.dispose();
    await fixture.dispose();
  });
  const directory = path.join(node.directory, 'runbook');
  await mkdir(directory);
  const file = async (name: string, text: string) =>
    writeFile(path.join(directory, name), `${text}\n`, { mode: 0o600 });
  await file('admin.first', node.admin.password);
  await file('admin.password', 'four slow barges passing by');
  await file('ada.password', 'eleven grey herons fishing');
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: directory,
    HOLDFAST_ENDPOINT: node.admin.endpoint,
    HOLDFAST_CA: node.admin.ca,
  };
  const typed = async (script: string) => {
    const { code, output, errors } = await walk(`set -euo pipefail\n${script}`, { directory, env });
    t.is(code, 0, `${output.slice(-2000)}\n${errors.slice(-2000)}`);
    return { output, errors };
  };

  const { output: made } = await typed(`
HOLDFAST_PROFILE=appliance holdfast login --username admin --password-file admin.first --new-password-file admin.password
url=$(HOLDFAST_PROFILE=appliance holdfast --json vault create emea --admin-username ada --admin-name Ada \\
  --admin-email ada@example.com --first-password-file ada.first | jq -r .signInUrl)
holdfast login --vault "$url" --username ada --password-file ada.first --new-password-file ada.password
holdfast csp-account create by-hand --group 'Cloud Admin Group' --region eu-central-1 --aws-account 111122223333
for set in payments cards; do
  holdfast key-set create $set --token primary --path-prefix $set --csp-account by-hand
done
holdfast cloud-key create payroll --key-set payments
holdfast external-key-store create payments --region eu-central-1 --by-hand --uri-endpoint https://xks.example.com
holdfast external-key-store edit payments --custom-key-store-id cks-1234567890abcdef0
holdfast kms-key create payroll --region eu-central-1 --key-arn ${arn}
holdfast credential issue --key-set payments --console-file console.json
holdfast --json cloud-key show payroll > payroll.json
`);
  t.true(made.length > 0);
  const json = async (name: string) =>
    JSON.parse(await readFile(path.join(directory, name), 'utf8')) as Record<string, unknown>;
  const { externalKeyId } = (await json('payroll.json')) as { externalKeyId: string };
  const { XksProxyUriPath, XksProxyAuthenticationCredential: credential } = (await json(
    'console.json',
  )) as unknown as {
    XksProxyUriPath: string;
    XksProxyAuthenticationCredential: { AccessKeyId: string; RawSecretAccessKey: string };
  };
  const client = new XksClient(
    node.port,
    {
      uriPath: XksProxyUriPath,
      accessKeyId: credential.AccessKeyId,
      secretAccessKey: credential.RawSecretAccessKey,
    },
    { ca: node.ca.certificate },
  );
  t.is((await client.encrypt(externalKeyId, 'x')).status, 200);

  await node.waitForLog(({ operation }) => operation === 'Encrypt');
  const log = path.join(directory, 'log');
  await writeFile(log, node.output);
  // The request was not of AWS KMS: CloudTrail has the account and Region, and not it.
  const trail = {
    eventSource: 's3.amazonaws.com',
    awsRegion: 'us-east-2',
    recipientAccountId: '123456789012',
  };
  const times = ['2020-01-01T00:00:00Z', '2120-01-01T00:00:00Z'];
  const records = { Records: times.map((eventTime) => Object.assign({ eventTime }, trail)) };
  await mkdir(path.join(directory, 'cloudtrail'));
  await writeFile(path.join(directory, 'cloudtrail/one.json.gz'), gzipSync(JSON.stringify(records)));
  await writeFile(path.join(directory, 'node-a.jsonl'), node.output);
  await writeFile(path.join(directory, 'node-b.jsonl'), '');
  const { output, errors } = await typed(`journalctl() { cat '${log}'; }\n${runbook()}`);
  t.deepEqual(page.untyped(errors), []);
  const beneath = (heading: string) =>
    output
      .split(/^### /m)
      .filter((part) => part.startsWith(`${heading}\n`))
      .join('');
  t.regex(beneath('Pull one key, now'), /payroll is DISABLED[^]*payroll is AVAILABLE/);
  t.regex(beneath('Pull everything, now'), /frozen/i);
  t.regex(beneath('Who used it?'), /^ +1 \S+\tebs\tEncrypt\t200$/m);
  t.regex(beneath('Is somebody else asking?'), /^unexplained +1$[^]*^ *1 +Encrypt +payments /m);
  t.regex(beneath('Who did it?'), /cloud-key\.disable[^]*vault\.freeze/);
  t.is((await client.encrypt(externalKeyId, 'x')).status, 200, 'all is as it was before');
  client.close();
});
