import { Option, type Command } from 'commander';
import { behind, one, type Address, type BodyOf } from '../../client/address.ts';
import type { Schemas } from '../../client/api-types.ts';
import { withApi, type Api } from '../../client/api.ts';
import { CliError } from '../../output/cli-error.ts';
import { isUuid } from '../../client/connection.ts';
import { example } from '../../output/example.ts';
import { cloudKeysPath } from '../find-cloud-key.ts';
import { printChanged, type Columns, isForPrograms, printRecord } from '../../output/output.ts';
import { said, textOf, timeText } from '../../output/said.ts';
import { printable } from '../../output/printable.ts';
import { note } from '../../output/streams.ts';

export type KmsKey = Schemas['KmsKey'];
export type KmsKeyRecord = Address<'/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys/{kmsKeyId}'>;

export const columns: Columns<KmsKey> = {
  CloudKey: ({ cloudKeyName }) => cloudKeyName,
  alias: { of: ({ alias }) => alias, rank: 5 },
  Region: { of: ({ region }) => region, rank: 4 },
  'in AWS': { of: inAws, rank: 1 },
  problem: { of: ({ problem }) => problem?.code, rank: 2 },
  drift: {
    of: ({ drift }) => drift.map(({ what }) => what).join(', '),
    rank: 3,
  },
  'KMS key id': { of: ({ keyId }) => keyId, wide: true },
  origin: { of: ({ origin }) => said('origin', origin), wide: true },
  id: ({ id }) => id,
};

/** The same of all KMS keys of a CloudKey. */
export function allInAws(keys: readonly InAws[]): string {
  return keys.length === 0 ? 'no KMS key' : [...new Set(keys.map(inAws))].join('; ');
}

type InAws = Pick<Schemas['ShortKmsKey'], 'step' | 'cloudStatus' | 'wanted'> &
  Partial<Pick<KmsKey, 'outcome'>>;

/** How far it is, or how AWS has it and what is asked of AWS. */
export function inAws({ step, outcome, cloudStatus, wanted }: InAws): string {
  if (step === 'GONE') return [said('step', step), said('outcome', outcome)].filter(Boolean).join(': ');
  if (step !== 'DONE') return String(said('step', step));
  return wanted === null ? cloudStatus : `${cloudStatus}, ${String(said('wanted', wanted))}`;
}

export function kmsKeysPath({ inVault }: Api): Address<'/vaults/{vaultId}/kms-keys'> {
  return inVault('/kms-keys');
}

/** One KMS key record: it is below its CloudKey. */
export function kmsKeyAt(api: Api, { id, cloudKeyId }: { id: string; cloudKeyId: string }): KmsKeyRecord {
  return one(behind(one(cloudKeysPath(api), cloudKeyId), '/kms-keys'), id);
}

/** One by its id, key id, ARN, alias, or by its CloudKey. Throws CliError where there is none, or more than one. */
export async function findKmsKey(api: Api, name: string, region?: string): Promise<KmsKey> {
  const found = (await candidates(api, name)).filter((key) => region === undefined || key.region === region);
  // What was given up is found where nothing else is.
  const live = found.filter(({ step }) => step !== 'GONE');
  const left = live.length === 0 ? found : live;
  const [first] = left;
  if (first === undefined)
    throw new CliError('notFound', 'there is no such KMS key record', 'see: holdfast kms-key list');
  if (left.length > 1)
    throw new CliError(
      'conflict',
      `there are ${left.length} KMS key records of this name`,
      `add --region, or name it by id: ${left.map(({ id }) => id).join(', ')}`,
    );
  return first;
}

async function candidates(api: Api, name: string): Promise<KmsKey[]> {
  const list = kmsKeysPath(api);
  if (/^arn:[a-z0-9-]+:kms:[a-z0-9-]+:\d{12}:key\//.test(name))
    return api.client.list(list, { keyArn: name });
  if (isUuid(name)) {
    const byId = await api.client.list(list, { id: name.toLowerCase() });
    if (byId.length > 0) return byId;
  }
  const [, ofRegion, ofArn] = /^arn:[a-z0-9-]+:kms:([a-z0-9-]+):\d{12}:(alias\/.+)$/.exec(name) ?? [];
  const alias = ofArn ?? (name.startsWith('alias/') ? name : `alias/${name}`);
  // Never by a walk through all that begin so: by the CloudKeys that are called so, which are few.
  const called = name === '' ? [] : await api.client.list(cloudKeysPath(api), { called: name });
  const lists = await Promise.all(called.map(async ({ id }) => api.client.list(list, { cloudKeyId: id })));
  const keys = lists.flat();
  const byAlias = keys.filter(
    (key) => key.alias === alias && (ofRegion === undefined || key.region === ofRegion),
  );
  if (byAlias.length > 0) return byAlias;
  if (alias !== name && ofArn === undefined) return keys;
  // What was given up has given up its alias too.
  const given = await api.client.list(list, { alias, region: ofRegion, step: 'GONE' });
  return given.filter((key) => key.alias === alias);
}

/** As a CloudKey may be given one: generated, or a document. */
export type KeyPolicy = BodyOf<'/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys', 'POST'>['policy'];

/** What may be told of a KMS key. */
export interface KmsKeyInput {
  alias?: string;
  description?: string;
  tag?: Record<string, string>;
  policy?: KeyPolicy;
}

/** What the commands on one KMS key record are told. */
export interface ActInput extends KmsKeyInput {
  inRegion?: string;
  diff?: boolean;
  policyOnly?: boolean;
  keyArn?: string;
  /** Commander's for --no-apply. */
  apply?: boolean;
  takeAlias?: boolean;
  what?: readonly Schemas['KmsKey']['drift'][number]['what'][];
  /** Commander's for --aws: with `policy` whose, with `delete` what becomes of it. */
  aws?: boolean | string;
  days?: number;
  reason?: string;
  yes?: boolean;
}

/** A command on one KMS key record. */
// oxlint-disable-next-line max-params -- a command’s parts, in the order in which it shows them
export function addAct(
  parent: Command,
  verb: string,
  description: string,
  act: (api: Api, found: { record: KmsKeyRecord; key: KmsKey }, input: ActInput) => Promise<void> | void,
  options: Option[] = [],
  more = '',
): void {
  const command = parent
    .command(verb)
    .argument('<kms-key>', 'alias, ARN or id, or any name of its CloudKey')
    .description(description)
    .addOption(new Option('--in-region <region>', 'its Region, if the name is not unique'));
  for (const option of options) command.addOption(option);
  command.action(async (name: string, input: ActInput, command: Command) =>
    withApi(command, async (api) => {
      const key = await findKmsKey(api, name, input.inRegion);
      return act(api, { record: kmsKeyAt(api, key), key }, input);
    }),
  );
  example(command, `holdfast kms-key ${verb} payroll${more}`);
}

/** Prints one: for people with its problem and its drift, and what to do about them, on standard error. */
export function tellKmsKey({ options }: Pick<Api, 'options'>, key: KmsKey): void {
  if (isForPrograms(options)) {
    printRecord(key, options);
    return;
  }
  const { problem: _, drift: __, policy: ___, mayBeStale: ____, ...rest } = key;
  printRecord(rest, options);
  for (const line of troubleOf(key)) note(printable(line));
}

/** Prints what an act has changed. */
export function tellKmsKeyChange({ options }: Pick<Api, 'options'>, sentence: string, key: KmsKey): void {
  const { problem: _, drift: __, policy: ___, mayBeStale: ____, ...rest } = key;
  printChanged(sentence, isForPrograms(options) ? key : rest, options);
  if (!isForPrograms(options)) for (const line of troubleOf(key)) note(printable(line));
}

/** `alias/payroll (eu-central-1) is DISABLED in AWS.` */
export function nowInAws(key: KmsKey): string {
  const { step, outcome, wanted, cloudStatus, awsDeletionAt, problem } = key;
  const name = nameInAws(key);
  if (step === 'GONE') return `${name} is removed here: ${textOf(outcome, 'outcome')}.`;
  if (step !== 'DONE')
    return `${name}: ${textOf(step, 'step')}${problem === null ? ', which continues automatically' : ''}.`;
  const deletion = awsDeletionAt !== null ? `, and deleted there on ${timeText(awsDeletionAt)}` : '';
  const open = wanted !== null ? `; ${textOf(wanted, 'wanted')}: that is repeated until AWS confirms it` : '';
  return `${name} is ${cloudStatus} in AWS${deletion}${open}.`;
}

export function nameInAws({ alias, keyArn, id, region }: KmsKey): string {
  return `${alias === '' ? (keyArn ?? id) : alias} (${region})`;
}

/** What is wrong with it, with the way out. */
export function troubleOf({
  problem,
  drift = [],
  mayBeStale = [],
  awsState = null,
}: Pick<KmsKey, 'problem'> & Partial<KmsKey>): string[] {
  const lines: string[] = [];
  if (problem !== null) {
    lines.push(`problem: ${problem.message}`);
    if (problem.keyArn !== undefined) lines.push(`  the KMS key in the way: ${problem.keyArn}`);
    lines.push(`  hint: ${problem.remediation}`);
  }
  if (awsState === 'Unavailable')
    lines.push(
      'its key store is disconnected: nothing can be encrypted or decrypted with it until it is connected',
    );
  for (const { what, ours, aws, note } of drift) {
    const values =
      what === 'policy' ? 'see: holdfast kms-key policy --diff' : `ours ${text(ours)}, AWS ${text(aws)}`;
    lines.push(`drift: ${what}: ${values}${note === undefined ? '' : ` (${note})`}`);
  }
  if (drift.length > 0)
    lines.push('  hint: holdfast kms-key apply gives AWS ours, holdfast kms-key accept takes theirs over');
  for (const { what, since } of mayBeStale)
    lines.push(
      `${what}: AWS shows it as it was before our own change, since ${timeText(since)}, which may be stale: it is looked at again every half minute`,
    );
  return lines;
}

function text(value: unknown): string {
  return typeof value === 'string' ? (value === '' ? '(none)' : value) : JSON.stringify(value);
}
