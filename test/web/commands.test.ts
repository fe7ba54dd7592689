import test from 'ava';
import { createProgram } from '../../src/cli/program.ts';
import { problemOf } from '../../scripts/docs/commands-check.ts';
import { withReason } from '../../web/texts/command-words.ts';
import { commands } from '../../web/texts/commands.ts';

/*
 * Each dialog of the console shows the command that does the same: here the command line reads each of them.
 */

const cloudKey = {
  name: 'payroll',
  keySet: 'payments',
  description: 'Salaries, and what comes with them',
  region: 'eu-central-1',
  administrators: ['arn:aws:iam::111122223333:role/KeyAdmin'],
  users: ['arn:aws:iam::111122223333:role/Payroll', 'arn:aws:iam::111122223333:user/ada'],
  rotation: '90',
  expires: '2099-01-31',
  usage: 'encrypt-only',
  kmsKey: false,
  quota: '500/1000',
  alias: undefined,
  tags: {},
  policy: 'generated',
} as const;
const withKmsKey = {
  ...{ ...cloudKey, usage: 'encrypt-decrypt', kmsKey: true, alias: '' },
  tags: { team: 'its own', 'cost centre': 'a=b' },
  policy: 'generated-without-root',
} as const;
const keySet = {
  name: 'payments',
  token: 'primary',
  pathPrefix: 'payments-7f3c9a',
  description: 'It’s theirs',
  group: 'Cloud Admin Group',
  account: 'aws-payments',
  forAws: true,
  rotationDays: '365',
  quota: '500',
};
const account = {
  name: 'aws-payments',
  group: 'Cloud Admin Group',
  description: '',
  type: 'role',
  awsAccountId: '',
  defaultRegion: 'eu-central-1',
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  roleArn: 'arn:aws:iam::111122223333:role/Holdfast',
  rotationDays: '90',
  hasKey: true,
};
const store = { name: 'payments', keySetName: 'payments', region: 'eu-central-1' };
const newStore = {
  ...{ keySet: 'payments', region: 'eu-central-1', uriEndpoint: 'https://xks.example.com', name: 'payments' },
  ...{
    connectivity: 'VPC_ENDPOINT_SERVICE',
    service: 'com.amazonaws.vpce.eu-central-1.vpce-svc-1',
    owner: '111122223333',
  },
  ...{ byHand: true, connect: false },
};
const kmsKey = { alias: 'alias/payroll', cloudKeyName: 'payroll', region: 'eu-central-1' };
const more = { days: '7', takeAlias: true, aws: 'schedule-deletion' };
const user = {
  username: 'grace',
  displayName: 'Grace Hopper',
  email: 'grace@example.com',
  role: 'auditor',
  signIn: 'both',
};
const vault = {
  name: 'emea',
  description: 'Europe',
  administrator: 'Ada Lovelace',
  username: 'ada',
  email: 'ada@example.com',
};
const provider = {
  issuer: 'https://id.example.com',
  clientId: 'holdfast',
  scopes: 'openid email',
  usernameClaim: 'email',
  caCertificates: '-----BEGIN CERTIFICATE-----',
};
const mail = {
  host: 'mail.example.com',
  port: '587',
  security: 'starttls',
  username: 'holdfast',
  from: 'keys@example.com',
  caCertificates: '-----BEGIN CERTIFICATE-----',
};

const vaultId = '5f0c7a52-2d0e-4a38-9f0e-0d7a4e0c9b11';

/** Every command, with everything that it can say. */
const said: Record<keyof typeof commands, readonly string[]> = {
  passwordChange: [commands.passwordChange()],
  secondFactorOn: [commands.secondFactorOn()],
  secondFactorOff: [commands.secondFactorOff()],
  recoveryCodes: [commands.recoveryCodes()],
  sessionEnd: [commands.sessionEnd('4b1c5f0e-6f0c-4f7e-9a55-0d4f4a1f3c11')],
  userSessionEnd: [commands.userSessionEnd('4b1c5f0e-6f0c-4f7e-9a55-0d4f4a1f3c11', 'grace')],
  userKeyRevoke: [commands.userKeyRevoke('4b1c5f0e-6f0c-4f7e-9a55-0d4f4a1f3c11', 'grace')],
  sessionRules: [commands.sessionRules()],
  apiKeyCreate: [commands.apiKeyCreate('terraform', ['vault.read', 'cloud-keys.write'], '90')],
  apiKeyRevoke: [commands.apiKeyRevoke('terraform')],
  findingAcknowledge: ['', '30d'].map((until) =>
    commands.findingAcknowledge('KMS_KEY_DRIFT', 'emea', 'It’s known', until),
  ),
  nodeAct: (['drain', 'undrain', 'remove'] as const).map((act) =>
    commands.nodeAct(act, '0b6d9b2e-3a55-4f5f-8f57-3f4a1c1f6a10'),
  ),
  findingWithdraw: [commands.findingWithdraw('KMS_KEY_DRIFT', 'emea')],
  cloudKeyAct: (['disable', 'enable', 'cancel-deletion'] as const).map((act) =>
    commands.cloudKeyAct(act, 'payroll', 'payments', true),
  ),
  cloudKeyRotate: [commands.cloudKeyRotate('payroll', 'payments')],
  cloudKeyDelete: [commands.cloudKeyDelete('payroll', 'payments', '7', true)],
  cloudKeyCreate: [commands.cloudKeyCreate(cloudKey), commands.cloudKeyCreate(withKmsKey)],
  cloudKeyPreview: [commands.cloudKeyPreview(withKmsKey)],
  cloudKeyFind: ['', 'alias/payroll'].map((called) => commands.cloudKeyFind(called)),
  cloudKeyAdopt: [
    commands.cloudKeyAdopt({
      ...{ name: 'payroll', keySet: 'payments', label: 'my-old-key', externalKeyId: 'old', restrict: true },
      ...{ region: 'eu-central-1', description: 'It’s old' },
    }),
    commands.cloudKeyAdopt({
      ...{ name: '', keySet: 'KEY-SET', label: '', externalKeyId: '', restrict: false },
      ...{ region: '', description: '' },
    }),
  ],
  cloudKeyEdit: [commands.cloudKeyEdit('before', 'payments', cloudKey, true)],
  keySetCreate: [commands.keySetCreate(keySet)],
  keySetEdit: [commands.keySetEdit('before', keySet)],
  keySetAct: (['freeze', 'thaw', 'delete'] as const).map((act) => commands.keySetAct(act, 'payments')),
  keySetsFreeze: (['freeze', 'thaw'] as const).map((act) =>
    commands.keySetsFreeze(act, ['payments', 'it’s', '$(reboot)']),
  ),
  credentialEdit: [
    commands.credentialEdit('AKIDEXAMPLE2345ABCDE', 90, { retireAfterQuietMinutes: 60 }),
    commands.credentialEdit('AKIDEXAMPLE2345ABCDE', 0, { retireAfterQuietMinutes: null }),
    commands.credentialEdit('AKIDEXAMPLE2345ABCDE', undefined, {}),
  ],
  credentialIssue: [0, 90].map((days) => commands.credentialIssue('payments', days)),
  credentialRotate: [commands.credentialRotate('AKIDEXAMPLE2345ABCDE', '60')],
  credentialWithdraw: [commands.credentialWithdraw('AKIDEXAMPLE2345ABCDE')],
  accountCreate: [
    commands.accountCreate(account),
    commands.accountCreate({ ...account, type: 'manual', hasKey: false, awsAccountId: '111122223333' }),
  ],
  accountEdit: [commands.accountEdit('before', account)],
  accountDelete: [commands.accountDelete('aws-payments')],
  accountRotate: [commands.accountRotate('aws-payments')],
  accountCheck: [commands.accountCheck('aws-payments')],
  accountPolicy: [commands.accountPolicy('aws-payments')],
  storeCreate: [
    commands.storeCreate(newStore),
    commands.storeCreate({ ...newStore, byHand: false, connect: true }),
  ],
  storeRefresh: [commands.storeRefresh(store)],
  storeAct: (['connect', 'disconnect'] as const).map((act) => commands.storeAct(act, store)),
  storeDelete: [true, false].map((forget) => commands.storeDelete(store, forget)),
  storeEdit: [
    commands.storeEdit(store, {
      ...{
        name: 'other',
        uriEndpoint: 'https://xks2.example.com',
        disconnect: true,
        customKeyStoreId: 'cks-1',
      },
      ...{ state: 'FAILED', connectionError: 'NETWORK_ERRORS' },
      ...{ connectivity: 'VPC_ENDPOINT_SERVICE', restorePath: true, vpcEndpointServiceOwner: '111122223333' },
      vpcEndpointServiceName: 'com.amazonaws.vpce.eu-central-1.vpce-svc-1',
    }),
  ],
  storeRotate: [true, false].map((done) => commands.storeRotate(store, '60', done)),
  storeConsole: [true, false].map((withCredential) => commands.storeConsole(store, withCredential)),
  doctor: [commands.doctor(store)],
  kmsKeyAct: [
    ...(['enable', 'disable', 'schedule', 'cancel', 'retry', 'remove'] as const).map((kind) =>
      commands.kmsKeyAct({ kind }, kmsKey, more),
    ),
    ...(['apply', 'accept'] as const).map((kind) =>
      commands.kmsKeyAct({ kind, what: 'policy' }, kmsKey, more),
    ),
  ],
  userCreate: [commands.userCreate(user)],
  userEdit: [commands.userEdit('grace', user)],
  userAct: (['disable', 'enable', 'unlock', 'reset', 'removeFactor', 'remove'] as const).map((act) =>
    commands.userAct(act, 'grace'),
  ),
  groupCreate: [commands.groupCreate('payments', 'Those of payments')],
  groupEdit: [commands.groupEdit('before', { name: 'payments', description: 'Those of payments' })],
  storeLink: [commands.storeLink('payments', 'eu-central-1', 'cks-1234567890abcdef0')],
  kmsKeyUnlinked: [commands.kmsKeyUnlinked('payments', '')],
  kmsKeyCreate: [
    commands.kmsKeyCreate('payroll', 'payments', {
      ...{ region: 'eu-central-1', alias: '', description: 'Wages', tags: { team: 'hr' } },
      ...{ keyArn: 'arn:aws:kms:eu-central-1:111122223333:key/1', policy: 'generated-without-root' },
    }),
  ],
  kmsKeyConsole: [commands.kmsKeyConsole(kmsKey)],
  kmsKeyRefresh: [
    commands.kmsKeyRefresh(kmsKey),
    commands.kmsKeyRefresh({ ...kmsKey, alias: '', region: '' }),
  ],
  kmsKeyLink: [commands.kmsKeyLink('payroll', 'payments', 'arn:aws:kms:eu-central-1:111122223333:key/1')],
  status: [commands.status()],
  kmsKeyEdit: [
    commands.kmsKeyEdit(
      { alias: 'alias/payroll', cloudKeyName: 'payroll', region: 'eu-central-1' },
      {
        keyArn: 'arn:aws:kms:eu-central-1:111122223333:key/1',
        alias: 'alias/wages',
        description: '',
        tags: { team: 'hr', cost: 'a b' },
        policy: 'generated',
      },
      false,
    ),
    commands.kmsKeyEdit({ alias: '', cloudKeyName: 'payroll', region: '' }, { tags: {} }, true),
  ],
  cloudKeyList: [
    commands.cloudKeyList({}),
    commands.cloudKeyList({ keySet: 'payments', region: 'eu-central-1', sort: '-createdAt' }),
  ],
  requestList: [
    commands.requestList({}),
    commands.requestList({
      ...{ error: 'KeyNotFoundException', keySet: 'payments', externalKeyId: '0f5c', from: '90min' },
      ...{ principal: 'arn:aws:iam::111122223333:role/a', kmsRequestId: 'one', sort: 'lastAt' },
    }),
  ],
  requestUnexplained: [
    commands.requestUnexplained([], []),
    commands.requestUnexplained(['a b.json.gz', 'c.json'], ['node-a.jsonl', 'node-b.jsonl']),
  ],
  requestShow: [commands.requestShow('5f0c7a522d0e4a389f0e0d7a4e0c9b11')],
  auditList: [
    commands.auditList({}),
    commands.auditList({
      ...{ sequence: 4711, action: 'cloud-key.', actor: 'ada', target: 'payroll', outcome: 'refused' },
      requestId: 'b5c6d7e8-0d64-4d7c-b8ad-2f5c1f8b6a10',
      ...{ from: '2026-11-01T00:00:00.000Z', to: '2026-12-01T00:00:00.000Z', sort: 'sequence' },
    }),
    commands.auditList({ from: '24h' }),
  ],
  auditEvent: [commands.auditEvent(4711)],
  auditArchive: [undefined, vaultId].map((deleted) => commands.auditArchive(400, deleted)),
  auditPrune: ['', 'audit 2025.jsonl.gz'].map((file) => commands.auditPrune(file)),
  auditPrunings: [undefined, vaultId].map((deleted) => commands.auditPrunings(deleted)),
  reconcileRun: [commands.reconcileRun()],
  reconcileList: [commands.reconcileList()],
  reconcileShow: [commands.reconcileShow('0b6d9b2e-3a55-4f5f-8f57-3f4a1c1f6a10')],
  lostChangeList: [true, false].map((decidedToo) => commands.lostChangeList(decidedToo)),
  lostChangeApply: [
    commands.lostChangeApply('all'),
    commands.lostChangeApply(['4f0c6f0c2b9b4b0d8c7a1e2f', '5f0c6f0c2b9b4b0d8c7a1e2f']),
  ],
  lostChangeLeave: [commands.lostChangeLeave(['4f0c6f0c2b9b4b0d8c7a1e2f'])],
  groupDelete: [commands.groupDelete('payments')],
  groupAdd: [commands.groupAdd('payments', 'grace')],
  groupRemove: [commands.groupRemove('payments', 'grace')],
  ssoSet: [commands.ssoSet(provider)],
  ssoDelete: [commands.ssoDelete()],
  vaultCreate: [commands.vaultCreate(vault, ['primary', 'second'])],
  vaultEdit: [commands.vaultEdit('before', vault)],
  vaultFreeze: (['freeze', 'thaw'] as const).map((act) => commands.vaultFreeze(act, 'emea')),
  vaultFreezeAll: [commands.vaultFreezeAll()],
  vaultReset: [commands.vaultReset('emea', 'ada', true)],
  vaultDelete: [commands.vaultDelete('emea')],
  tokenVerify: [commands.tokenVerify('primary')],
  tokenRecordErased: [commands.tokenRecordErased('primary', '5f0c7a52-2d0e-4a38-9f0e-0d7a4e0c9b11')],
  mailSet: [commands.mailSet(mail, true)],
  mailTest: [commands.mailTest('ada@example.com')],
  mailDelete: [commands.mailDelete()],
};

test('the command line knows every command that the console shows, with its options', (t) => {
  const program = createProgram();
  for (const line of Object.values(said).flat()) {
    const [name, ...words] = line.match(/'(?:[^']|'\\'')*'|\S+/g) ?? [];
    t.is(name, 'holdfast', line);
    t.is(problemOf(program, words), undefined, line);
  }
});

test('each command whose dialog asks why takes a reason, and several take it one by one', (t) => {
  const program = createProgram();
  const asking = [
    ...[said.cloudKeyAct, said.cloudKeyDelete, said.keySetAct, said.keySetsFreeze, said.credentialWithdraw],
    ...[said.storeDelete, said.accountDelete, said.groupDelete, said.groupRemove, said.ssoDelete],
    ...[said.vaultFreeze, said.vaultFreezeAll, said.vaultDelete, said.tokenRecordErased, said.mailDelete],
    ...[[commands.storeAct('disconnect', store)], [commands.nodeAct('remove', 'x')]],
    ...[[commands.userAct('remove', 'grace')]],
    (['enable', 'disable', 'schedule', 'cancel', 'remove'] as const).map((kind) =>
      commands.kmsKeyAct({ kind }, kmsKey, more),
    ),
  ].flat();
  for (const line of withReason(asking.join('\n'), "it's lost").split('\n')) {
    t.true(line.endsWith(" --reason 'it'\\''s lost'"), line);
    const [, ...words] = line.match(/'(?:[^']|'\\'')*'|\S+/g) ?? [];
    t.is(problemOf(program, words), undefined, line);
  }
  t.is(withReason(commands.ssoDelete(), undefined), 'holdfast oidc-provider delete');
});

test('what somebody has named is a word to the shell, whatever it is', (t) => {
  t.is(commands.keySetAct('freeze', '$(reboot)'), "holdfast key-set freeze '$(reboot)'");
  t.is(commands.keySetAct('thaw', "it's; rm -rf /"), "holdfast key-set thaw 'it'\\''s; rm -rf /'");
  t.is(commands.groupDelete('Cloud Admins'), "holdfast group delete 'Cloud Admins'");
});

test('an edit says what differs, and what was emptied in the word that empties it', (t) => {
  const lines = [
    commands.groupEdit('payments', { description: '' }),
    commands.userEdit('grace', { displayName: '' }),
    commands.vaultEdit('emea', { description: '' }),
    commands.keySetEdit('payments', { group: '', account: '', quota: '', rotationDays: '', description: '' }),
    commands.accountEdit('aws-payments', { rotationDays: '', defaultRegion: '' }),
    commands.cloudKeyEdit('payroll', 'payments', { administrators: [], users: [], expires: '' }, false),
  ];
  t.deepEqual(lines, [
    "holdfast group edit payments --description ''",
    "holdfast user edit grace --display-name ''",
    "holdfast vault edit emea --description ''",
    "holdfast key-set edit payments --description '' --group none --csp-account none --rotation never --quota none",
    "holdfast csp-account edit aws-payments --region '' --access-key-rotation never",
    "holdfast cloud-key edit payroll --key-set payments --administrator '' --user '' --expires never",
  ]);
  const program = createProgram();
  for (const line of lines) {
    const [, ...words] = line.match(/'(?:[^']|'\\'')*'|\S+/g) ?? [];
    t.is(problemOf(program, words), undefined, line);
  }
});
