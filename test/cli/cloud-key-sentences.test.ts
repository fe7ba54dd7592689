import test from 'ava';
import { keyObject } from '../../src/cli/records/version-words.ts';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { sentencesOf, type KeyChange, type KeyVerb } from '../../src/cli/records/cloud-key-sentences.ts';

test('of a version whose key object was replaced the list says so', (t) => {
  const version = { version: 1, state: 'ACTIVE' as const, proven: true, unfit: null };
  t.is(keyObject(version), 'proven');
  t.is(keyObject({ ...version, proven: false }), 'not proven');
  t.is(keyObject({ ...version, state: 'DESTROYED' }), '-');
  const unfit = { since: '2026-11-29T14:05:00.000Z', why: 'it does not open the proof' };
  t.is(keyObject({ ...version, unfit }), 'UNFIT: not the key on record');
});

const now = new Date('2026-11-29T14:05:00.000Z');
const keyArn = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const kmsKey = {
  id: 'k',
  region: 'eu-central-1',
  origin: 'HOLDFAST',
  alias: 'alias/payroll',
  keyArn,
  step: 'DONE',
  cloudStatus: 'AVAILABLE',
};
const key = {
  name: 'payroll',
  keySetName: 'payments',
  externalKeyId: 'payroll.1',
  state: 'DISABLED',
  effectiveState: 'DISABLED',
  currentVersion: 3,
  updatedAt: '2026-11-29T14:03:11.482Z',
  rotatedAt: '2026-11-29T14:03:11.482Z',
  deletionAt: '2026-12-29T14:03:11.482Z',
  kmsKeys: [kmsKey],
};
const named = 'alias/payroll (eu-central-1)';

function said(
  verb: KeyVerb,
  after: object = {},
  before: KeyChange['before'] = { state: 'AVAILABLE' },
): string[] {
  const acted = { ...key, ...after } as Schemas['ActedCloudKey'];
  return sentencesOf({ verb, before, days: 30 }, acted, now);
}

test('disable says since when nothing succeeds, and that AWS shows another state, with the way to change that', (t) => {
  t.deepEqual(said('disable'), [
    'payroll is DISABLED as of 14:03:11 UTC; no request succeeds with it.',
    `In AWS ${named} still shows Enabled: --cloud both changes that too.`,
  ]);
  t.deepEqual(said('disable', { kmsKeys: [{ ...kmsKey, cloudStatus: 'DISABLED' }] }), [
    'payroll is DISABLED as of 14:03:11 UTC; no request succeeds with it.',
  ]);
  t.deepEqual(said('disable', { updatedAt: '2026-11-28T23:59:59.999Z', kmsKeys: [] }), [
    'payroll is DISABLED as of 2026-11-28 23:59:59 UTC; no request succeeds with it.',
  ]);
  t.is(
    said('disable', {}, { state: 'DISABLED' })[0],
    'payroll was already DISABLED; no request succeeds with it.',
  );
});

test('enable does not claim that requests succeed while the key set or vault is frozen', (t) => {
  t.deepEqual(
    said('enable', { effectiveState: 'FROZEN', kmsKeys: [{ ...kmsKey, cloudStatus: 'DISABLED' }] }),
    [
      'payroll is enabled, but FROZEN: no request succeeds with it until its key set payments is thawed, or the vault.',
      `In AWS ${named} still shows Disabled, and is not used: --cloud both changes that too.`,
    ],
  );
});

test('with --cloud both each outcome in AWS is told; by hand it is one command', (t) => {
  const outcome = (verb: KeyVerb, one: string) =>
    said(verb, { aws: [{ kmsKeyId: 'k', region: 'eu-central-1', keyArn, outcome: one }] }).slice(1);
  t.deepEqual(outcome('disable', 'done'), [`In AWS ${named} is Disabled too.`]);
  t.deepEqual(outcome('disable', 'pending'), [
    `In AWS ${named} is not changed yet: it is retried until AWS does it.`,
  ]);
  for (const [verb, command] of [
    ['disable', 'disable-key'],
    ['enable', 'enable-key'],
    ['schedule-deletion', 'schedule-key-deletion --pending-window-in-days 30'],
    ['cancel-deletion', 'cancel-key-deletion'],
  ] as const)
    t.deepEqual(outcome(verb, 'by-hand'), [
      `In AWS ${named} is unchanged: Holdfast does not sign in to that AWS account. To do it manually:`,
      `  aws kms ${command} --region eu-central-1 --key-id ${keyArn}`,
    ]);
});

test('rotation, deletion and its end, creation', (t) => {
  t.deepEqual(said('rotate'), [
    'payroll is at version 3 as of 14:03:11 UTC: new ciphertext is made with it, and what versions 1 to 2 have encrypted stays readable.',
  ]);
  t.deepEqual(said('schedule-deletion'), [
    'payroll is disabled, and will be destroyed on 2026-12-29 14:03:11 UTC (in 30 days). To keep it, until then: holdfast cloud-key cancel-deletion payroll',
    `In AWS ${named} stays as it is: --cloud both schedules its deletion too.`,
  ]);
  t.deepEqual(said('cancel-deletion', { kmsKeys: [{ ...kmsKey, cloudStatus: 'PENDING_DELETION' }] }), [
    'payroll will not be deleted: it is DISABLED. To use it again: holdfast cloud-key enable payroll',
    `In AWS ${named} is still pending deletion: --cloud both cancels that too.`,
  ]);
  t.deepEqual(said('create'), [
    'payroll is created in key set payments; AWS knows it by the external key id payroll.1.',
    `Its KMS key is ${named}: ${keyArn}.`,
  ]);
  t.is(
    said('create', { kmsKeys: [{ ...kmsKey, step: 'KEY', keyArn: null }] })[1],
    `Its KMS key ${named} is not created yet; see: holdfast kms-key show payroll`,
  );
});
