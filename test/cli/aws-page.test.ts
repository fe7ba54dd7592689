import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CreateAccessKeyCommand, CreateUserCommand, PutUserPolicyCommand } from '@aws-sdk/client-iam';
import anyTest, { type TestFn } from 'ava';
import type { Simulator } from '../../simulator/simulator.ts';
import { TestAwsAccount } from '../support/aws-users.ts';
import { PageTyping, scriptOf } from '../docs/typing.ts';
import { createSoftHsmToken, type TokenFixture } from '../../testing/tokens.ts';
import type { Typed } from '../docs/bash.ts';
import { walk } from './guide-walk.ts';
import { nodeWithAws, type NodeWithAws } from './node-with-aws.ts';

/* What README.md, docs/aws.md, docs/doctor.md, docs/migration.md and docs/kubernetes.md say of a node and its AWS account. */

interface Stage extends NodeWithAws {
  old: TokenFixture;
  dispose: (() => Promise<unknown>)[];
}

const checkout = path.resolve(import.meta.dirname, '../..');

const test = anyTest as TestFn<Stage>;

/** That of the pages; the others are put in its place, since names are unique in an account. */
const first = '111122223333';
const region = 'eu-central-1';
const service = `com.amazonaws.vpce.${region}.vpce-svc-0123456789abcdef0`;

test.before(async (t) => {
  const dispose: (() => Promise<unknown>)[] = [];
  t.context.dispose = dispose;
  const [primary, old] = await Promise.all([createSoftHsmToken(), createSoftHsmToken()]);
  for (const fixture of [primary, old]) dispose.push(async () => fixture.dispose());
  const stage = await nodeWithAws({
    tokens: [
      { fixture: primary, name: 'primary' },
      { fixture: old, name: 'old' },
    ],
    hostNames: ['xks.example.com', 'xks.internal.example.com'],
    aws: 'ambient = true',
    environment: ownCredentials,
    dispose,
  });
  Object.assign(t.context, stage, { old });
  stage.simulator.kms.putVpcEndpointService({
    name: service,
    ownerAccountId: first,
    privateDnsName: 'xks.internal.example.com',
  });
  const { node } = stage;
  await writeFile(path.join(node.directory, 'admin.first'), `${node.admin.password}\n`, { mode: 0o600 });
  const { code, errors } = await type(
    t.context,
    `
holdfast login --username admin --password-file admin.first --new-password-file admin.password
for role in KeyAdmin Payroll; do
  aws iam create-role --role-name $role --output text --assume-role-policy-document '{"Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "${first}"}, "Action": "sts:AssumeRole"}]}' >> roles
done
${vaultOf('emea')}
`,
  );
  t.is(code, 0, errors);
});
test.after.always(async (t) => {
  for (const dispose of t.context.dispose.toReversed()) await dispose();
});

/** Those of the node itself, of a user who may assume roles: docs/aws.md, "With a role". */
async function ownCredentials(simulator: Simulator): Promise<Record<string, string>> {
  const iam = await new TestAwsAccount(simulator, first).iam();
  const UserName = 'node';
  await iam.send(new CreateUserCommand({ UserName }));
  const statement = { Effect: 'Allow', Action: 'sts:AssumeRole', Resource: '*' };
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
  await iam.send(new PutUserPolicyCommand({ UserName, PolicyName: 'roles', PolicyDocument }));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
  return {
    AWS_ACCESS_KEY_ID: AccessKey?.AccessKeyId ?? '',
    AWS_SECRET_ACCESS_KEY: AccessKey?.SecretAccessKey ?? '',
  };
}

/** An administrator of the vault signs in, to the profile of its name. */
const vaultOf = (name: string, tokens = 'primary') => `
export HOLDFAST_PROFILE=default
url=$(holdfast --json vault create ${name} --token ${tokens} --admin-username ada --admin-name Ada \\
  --admin-email ada@example.com --first-password-file ${name}.first | jq -r .signInUrl)
holdfast --profile ${name} login --vault "$url" --username ada --password-file ${name}.first --new-password-file ada.password
export HOLDFAST_PROFILE=${name}
`;

/** Whoever types has the access key of the account's root user, and the node's own command. */
async function type(
  { node, simulator, env, old }: Stage,
  script: string,
  accountId: string = first,
): Promise<Typed> {
  const directory = path.join(node.directory, 'typed');
  await mkdir(directory, { recursive: true });
  for (const name of ['admin.password', 'ada.password'])
    await writeFile(path.join(directory, name), 'eleven grey herons fishing\n', { mode: 0o600 });
  const { accessKeyId, secretAccessKey } = simulator.account(accountId);
  return walk(`set -euo pipefail\ncp ../admin.first .\n${script}`, {
    directory,
    awsOptions: ['--endpoint-url', simulator.url],
    env: {
      PATH: `${process.env['PATH']}`,
      HOME: directory,
      HOLDFAST_CONFIG: node.config,
      ...env,
      ...old.environment,
      ...{ AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
      ...{ AWS_REGION: region, AWS_DEFAULT_REGION: region },
    },
  });
}

test.serial('docs/aws.md does what it says, with an account that signs in and by hand', async (t) => {
  const page = new PageTyping(import.meta.url, 'docs/aws.md');
  const stores = page.beneath('External key stores');
  const [withAccessKey, ...others] = stores.filter(({ text }) => !text.includes('--vpc-endpoint-service'));
  const { code, output, errors } = await type(
    t.context,
    `
export HOLDFAST_PROFILE=emea
${scriptOf(page.beneath('With a role'))}
holdfast csp-account delete aws-payments

aws iam create-user --user-name holdfast >> users
aws iam create-access-key --user-name holdfast > access-key.json
(umask 077; jq -r .AccessKey.SecretAccessKey access-key.json > aws.secret)
${scriptOf(page.beneath('With an access key'), { put: [['AKIAIOSFODNN7EXAMPLE', '"$(jq -r .AccessKey.AccessKeyId access-key.json)"']] })}
${scriptOf(page.beneath('Rotating the access key'))}
for set in payments inside; do
  holdfast key-set create $set --token primary --path-prefix $set-7f3c9a --group 'Cloud Admin Group' --csp-account aws-payments
done
${scriptOf(withAccessKey === undefined ? [] : [withAccessKey])}
${scriptOf(
  stores.filter((block) => !others.includes(block) && block !== withAccessKey),
  { put: [['create payments', 'create inside']] },
)}
holdfast external-key-store connect inside --wait
${scriptOf(others)}
${scriptOf(page.beneath('KMS keys').slice(0, 1))}
arn=$(holdfast --json kms-key list | jq -r '.[0].keyArn')
aws kms update-key-description --key-id "$arn" --description 'what somebody has written'
aws kms put-key-policy --key-id "$arn" --policy-name default --policy '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
  "Principal": {"AWS": "arn:aws:iam::${first}:root"}, "Action": "kms:*", "Resource": "*"}]}'
holdfast kms-key refresh payroll
${scriptOf(page.beneath('KMS keys').slice(1))}
`,
  );
  t.is(code, 0, `${output.slice(-2000)}\n${errors.slice(-2000)}`);

  const other = '444455556666';
  const put = [[first, other]] as const;
  const byHand = page.beneath('Without credentials (manual)');
  const manual = await type(
    t.context,
    `
${vaultOf('by-hand')}
holdfast csp-account create by-hand --group 'Cloud Admin Group' --region ${region} --aws-account ${other}
holdfast key-set create payments --token primary --path-prefix by-hand-7f3c9a --group 'Cloud Admin Group' --csp-account by-hand
${scriptOf(byHand.slice(0, 2), { put })}
holdfast cloud-key create payroll --key-set payments
${scriptOf(byHand.slice(2), { put })}
aws kms encrypt --key-id alias/payroll --plaintext cGF5c2xpcA== --query CiphertextBlob --output text
`,
    other,
  );
  t.is(manual.code, 0, `${manual.output.slice(-2000)}\n${manual.errors.slice(-2000)}`);
  t.deepEqual(page.untyped(errors, manual.errors), []);
});

test.serial(
  "README's way to AWS ends with a key that AWS uses; the doctor and a backup look at it",
  async (t) => {
    const readme = new PageTyping(import.meta.url, 'README.md');
    const doctor = new PageTyping(import.meta.url, 'docs/doctor.md');
    const kubernetes = new PageTyping(import.meta.url, 'docs/kubernetes.md');
    const { node } = t.context;
    const account = '777788889999';
    const [asAppliance, ...asAdministrator] = readme.blocks;
    const { code, output, errors } = await type(
      t.context,
      `
export HOLDFAST_PROFILE=readme
${scriptOf(asAppliance === undefined ? [] : [asAppliance], {
  put: [
    ['https://keys.example.com:9443', node.admin.endpoint],
    ['--username admin', '--username admin --password-file admin.password'],
    ['emea', 'readme'],
    ['ada@example.com', 'ada@example.com --first-password-file readme.first'],
  ],
})}
url=$(holdfast --json vault list | jq -r '.[] | select(.name == "readme").signInUrl')
aws iam create-user --user-name holdfast > /dev/null
aws iam put-user-policy --user-name holdfast --policy-name All --policy-document '{"Version": "2012-10-17",
  "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
aws iam create-access-key --user-name holdfast > access-key.json
(umask 077; jq -r .AccessKey.SecretAccessKey access-key.json > aws.secret)
${scriptOf(asAdministrator, {
  put: [
    ['https://keys.example.com:9443/sign-in/4b1c5f0e-6f0c-4f7e-9a55-0d4f4a1f3c11', '"$url"'],
    ['--username ada', '--username ada --password-file readme.first --new-password-file ada.password'],
    ['AKIAIOSFODNN7EXAMPLE', '"$(jq -r .AccessKey.AccessKeyId access-key.json)"'],
  ],
})}
aws kms encrypt --key-id alias/payroll --plaintext cGF5c2xpcA== --query CiphertextBlob --output text
holdfast cloud-key disable payroll
if aws kms encrypt --key-id alias/payroll --plaintext cGF5c2xpcA== 2> refused; then exit 1; fi
grep -q KMSInvalidStateException refused
holdfast cloud-key enable payroll

kubectl() { shift 4; '${path.join(checkout, 'bin/holdfast')}' "$@"; }
mkdir -p backups && cd backups && umask 077
${scriptOf(kubernetes.blocks)}
cd ..
sudo() { shift 2; "$@"; }
holdfast credential issue --key-set payments --console-file xks-proxy-config.json
${scriptOf(doctor.blocks, {
  put: [
    [
      '--external-key-store payments',
      `--external-key-store payments --connect 127.0.0.1:${node.port} --ca ${node.ca.certificate}`,
    ],
    ['/var/backups/holdfast', 'backups'],
    [
      'EXTERNAL-KEY-ID',
      `"$(holdfast --json cloud-key show payroll | jq -r .externalKeyId)" \
  --connect 127.0.0.1:${node.port} --ca ${node.ca.certificate}`,
    ],
  ],
})}
`,
      account,
    );
    t.is(code, 0, `${output.slice(-2000)}\n${errors.slice(-2000)}`);
    for (const page of [readme, doctor, kubernetes]) t.deepEqual(page.untyped(errors), []);
  },
);

test.serial("a key of AWS's sample proxy is taken over as docs/migration.md says", async (t) => {
  const page = new PageTyping(import.meta.url, 'docs/migration.md');
  const { old, node } = t.context;
  const directory = path.join(node.directory, 'typed');
  await writeFile(path.join(directory, 'make.py'), keyOfTheSample);
  const restrict = page.in('python');
  const [adopt, byUs] = page.blocks.filter(({ info }) => info === 'sh');
  if (adopt === undefined || byUs === undefined) throw new Error('the page has other blocks');
  // Of Debian, which has the package; and without a terminal, or getpass would read from there.
  const python = (file: string, label = 'my-old-key') =>
    `setsid --wait /usr/bin/python3 -W ignore ${file} '${old.module}' '${old.label}' ${label} < '${old.pinFile}'`;
  const { code, output, errors } = await type(
    t.context,
    `
holdfast --profile default vault edit readme --token primary
${vaultOf('moving', 'old')}
holdfast key-set create payments --token old --path-prefix moving-7f3c9a
${python('make.py')}
if holdfast cloud-key adopt payroll --key-set payments --label my-old-key 2> refused; then exit 1; fi
cat refused
${scriptOf([restrict], { wrap: ({ text }) => `cat > restrict.py << 'PYTHON'\n${text}\nPYTHON\n${python('restrict.py')}` })}
${scriptOf([adopt])}
${python('make.py', 'my-other-key')}
if holdfast cloud-key adopt invoices --key-set payments --label my-other-key 2> refused; then exit 1; fi
cat refused
${scriptOf([byUs], {
  put: [
    ['payroll', 'invoices'],
    ['my-old-key', 'my-other-key'],
  ],
})}
`,
  );
  t.is(code, 0, `${output.slice(-2000)}\n${errors.slice(-2000)}`);
  t.deepEqual(page.untyped(errors), []);
  t.is(
    output.match(/repeat it with --restrict .*: then CKA_.*CKA_WRAP, CKA_UNWRAP are set to false/g)?.length,
    2,
  );
});

/** As AWS's sample Dockerfile makes it: pkcs11-tool says nothing of what else the key may do. */
const keyOfTheSample = `
import getpass, sys
from PyKCS11 import *

module, token, label = sys.argv[1:]
lib = PyKCS11Lib()
lib.load(module)
slot = next(s for s in lib.getSlotList(True) if lib.getTokenInfo(s).label.strip() == token)
session = lib.openSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION)
session.login(getpass.getpass("PIN: "))
yes = [CKA_TOKEN, CKA_PRIVATE, CKA_SENSITIVE, CKA_ENCRYPT, CKA_DECRYPT, CKA_WRAP, CKA_UNWRAP]
session.generateKey([(CKA_CLASS, CKO_SECRET_KEY), (CKA_KEY_TYPE, CKK_AES), (CKA_VALUE_LEN, 32), (CKA_EXTRACTABLE, False),
    (CKA_LABEL, label), (CKA_ID, tuple(label.encode()))] + [(name, True) for name in yes])
`;
