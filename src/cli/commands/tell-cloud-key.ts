import { wallClock } from '../../clock.ts';
import { one } from '../client/address.ts';
import type { Schemas } from '../client/api-types.ts';
import type { Api } from '../client/api.ts';
import { sentencesOf, type KeyChange } from '../records/cloud-key-sentences.ts';
import { inAws, troubleOf } from './cloud/kms-key-records.ts';
import { isForPrograms, printChanged, printData, printRecord, type OutputOptions } from '../output/output.ts';
import { printable } from '../output/printable.ts';
import { textOf, timeText } from '../output/said.ts';
import { note, print } from '../output/streams.ts';

/** As an act answers it; what is read has no `aws`, and says where it is from. */
type Shown = Schemas['ActedCloudKey'] & Partial<Omit<Schemas['OneCloudKey'], keyof Schemas['ActedCloudKey']>>;

/** Prints a CloudKey: for people with what it inherits, and its KMS keys a line each. */
export async function tellCloudKey(api: Api, cloudKey: Shown): Promise<void> {
  const { options } = api;
  printRecord(isForPrograms(options) ? cloudKey : await forPeople(api, cloudKey), options);
  if (!isForPrograms(options)) tellTroubles(cloudKey);
}

/** Prints what an act has changed. */
export async function tellCloudKeyChange(api: Api, change: KeyChange, after: Shown): Promise<void> {
  const { options } = api;
  const isRecordShown = options.output !== undefined || options.verbose === true;
  const record = isForPrograms(options) || !isRecordShown ? after : await forPeople(api, after);
  printChanged(sentencesOf(change, after, wallClock()), record, options);
  if (!isForPrograms(options)) tellTroubles(after);
}

async function forPeople(api: Api, cloudKey: Shown): Promise<object> {
  const { kmsKeys, aws: _, state: __, effectiveState, keySetName, name, ...told } = cloudKey;
  const { madeBy, frozenBy, ...rest } = told;
  return {
    name,
    keySet: keySetName,
    state: effectiveState,
    ...rest,
    ...(madeBy ? { madeBy: `${madeBy.name} (${madeBy.kind})` } : {}),
    ...(frozenBy === undefined || frozenBy.length === 0 ? {} : { frozenBy: frozenBy.map(freezeInWords) }),
    rotation: await rotationOf(api, cloudKey),
    ...(kmsKeys.length === 0 ? {} : { 'KMS keys': kmsKeys.map(kmsKeyText) }),
  };
}

function freezeInWords({ by, since }: Schemas['OneCloudKey']['frozenBy'][number]): string {
  return `${freezers[by]} since ${timeText(since)}`;
}

const freezers = {
  'key-set': 'its key set',
  vault: 'the vault, until its administrators thaw it',
  appliance: 'the vault, until the appliance’s administrators thaw it',
} as const;

/** With what is inherited. */
async function rotationOf(api: Api, { rotation, keySetId }: Shown): Promise<string> {
  const own = textOf(rotation, 'rotation');
  if (rotation.kind !== 'INHERIT') return own;
  const keySet = await api.client.get(one(api.inVault('/key-sets'), keySetId));
  return `${textOf(keySet.rotation, 'rotation')} (${own})`;
}

function kmsKeyText(key: Schemas['ShortKmsKey']): string {
  const { region, alias, keyArn, drift } = key;
  const names = [alias, keyArn ?? ''].filter((name) => name !== '');
  return [...names, region, `${inAws(key)}${drift ? ', differs in AWS' : ''}`].join(' ');
}

function tellTroubles({ kmsKeys, aws = [] }: Shown): void {
  const troubled =
    aws.length > 0
      ? aws.map(({ keyArn, region, problem }) => ({ name: keyArn ?? region, problem }))
      : kmsKeys.map(({ alias, problem }) => ({ name: alias, problem }));
  for (const { name, problem } of troubled)
    for (const line of troubleOf({ problem })) note(printable(`${name}: ${line}`));
}

/** Prints what creating a CloudKey would make; with `policyOnly` the key policy alone, as a file has it. */
export function tellPreview(
  preview: Schemas['CloudKeyPreview'],
  policyOnly: boolean,
  options: OutputOptions,
): void {
  const { kmsKey, keySetName: keySet, keySetId: _, token, region } = preview;
  if (policyOnly) return printData(kmsKey?.policy ?? null, options);
  if (isForPrograms(options)) return printRecord(preview, options);
  if (kmsKey === null) return printRecord({ keySet, token, region, 'KMS key': 'none' }, options);
  const { externalKeyStoreId: __, externalKeyStoreName, policy, policySource: ___, ...told } = kmsKey;
  printRecord({ keySet, token, externalKeyStore: externalKeyStoreName, ...told }, options);
  print(
    policy === null
      ? '\nThe key policy is written once AWS has told the account id.'
      : `\nKey policy:\n${JSON.stringify(policy, null, 2)}`,
  );
}
