import type { Schemas } from '../client/api-types.ts';
import { editedSentence } from './changed.ts';
import { clockWords, momentWords } from '../output/moments.ts';

/* What an act on a CloudKey has changed, here and in AWS, in sentences. */

export type KeyVerb =
  'create' | 'adopt' | 'edit' | 'disable' | 'enable' | 'rotate' | 'schedule-deletion' | 'cancel-deletion';

export interface KeyChange {
  verb: KeyVerb;
  /** As it was; undefined where it is new. */
  before?: Pick<CloudKey, 'state'> | undefined;
  /** What was told, of an edit. */
  told?: object;
  /** Whether that was another value than it had. */
  changed?: boolean;
  /** Days until it is destroyed. */
  days?: number | undefined;
}

/** As an act answers it. */
type CloudKey = Schemas['ActedCloudKey'];
type ShortKmsKey = Schemas['ShortKmsKey'];
/** One KMS key that an act on the CloudKey reached, or did not. */
type Outcome = Schemas['CloudOutcome'];

export function sentencesOf(change: KeyChange, after: CloudKey, now: Date): string[] {
  return [
    ours(change, after, now),
    ...(after.aws === undefined ? besideAws(change, after) : inAws(change, after)),
  ];
}

// oxlint-disable-next-line complexity -- one sentence for each case
function ours({ verb, before, told = {}, changed = true }: KeyChange, after: CloudKey, now: Date): string {
  const { name } = after;
  const since = clockWords(after.updatedAt, now);
  switch (verb) {
    case 'create':
    case 'adopt':
      return `${name} is ${verb === 'create' ? 'created' : 'adopted'} in key set ${after.keySetName}; AWS knows it by the external key id ${after.externalKeyId}.`;
    case 'edit':
      return editedSentence(name, told, { after, changed });
    case 'disable':
      return before?.state === 'DISABLED'
        ? `${name} was already DISABLED; no request succeeds with it.`
        : `${name} is DISABLED as of ${since}; no request succeeds with it.`;
    case 'enable':
      return after.effectiveState === 'FROZEN'
        ? `${name} is enabled, but FROZEN: no request succeeds with it until its key set ${after.keySetName} is thawed, or the vault.`
        : before?.state === 'AVAILABLE'
          ? `${name} was already AVAILABLE; requests succeed with it.`
          : `${name} is AVAILABLE as of ${since}; requests succeed with it.`;
    case 'rotate': {
      const version = after.currentVersion;
      return `${name} is at version ${version} as of ${clockWords(after.rotatedAt, now)}: new ciphertext is made with it, and what ${version === 2 ? 'version 1 has' : `versions 1 to ${version - 1} have`} encrypted stays readable.`;
    }
    case 'schedule-deletion':
      return `${name} is disabled, and will be destroyed on ${momentWords(after.deletionAt ?? '', now)}. To keep it, until then: holdfast cloud-key cancel-deletion ${name}`;
    case 'cancel-deletion':
      return `${name} will not be deleted: it is DISABLED. To use it again: holdfast cloud-key enable ${name}`;
  }
}

const statesInAws: Readonly<Record<string, string>> = {
  AVAILABLE: 'Enabled',
  DISABLED: 'Disabled',
  PENDING_DELETION: 'PendingDeletion',
};

/** What AWS still shows otherwise, and how that is changed too. */
function besideAws({ verb }: KeyChange, after: CloudKey): string[] {
  // oxlint-disable-next-line complexity -- one sentence for each case
  return after.kmsKeys.flatMap((key) => {
    const name = nameOf(key);
    const { cloudStatus, step, keyArn } = key;
    if (verb === 'create' || verb === 'adopt')
      return step === 'DONE'
        ? [`Its KMS key is ${name}${keyArn === null ? '' : `: ${keyArn}`}.`]
        : [`Its KMS key ${name} is not created yet; see: holdfast kms-key show ${after.name}`];
    if (keyArn === null) return [];
    const shows = statesInAws[cloudStatus] ?? 'another state';
    if (verb === 'disable' && cloudStatus === 'AVAILABLE')
      return [`In AWS ${name} still shows Enabled: --cloud both changes that too.`];
    if (verb === 'enable' && (cloudStatus === 'DISABLED' || cloudStatus === 'PENDING_DELETION'))
      return [`In AWS ${name} still shows ${shows}, and is not used: --cloud both changes that too.`];
    if (verb === 'schedule-deletion' && cloudStatus !== 'PENDING_DELETION')
      return [`In AWS ${name} stays as it is: --cloud both schedules its deletion too.`];
    if (verb === 'cancel-deletion' && cloudStatus === 'PENDING_DELETION')
      return [`In AWS ${name} is still pending deletion: --cloud both cancels that too.`];
    return [];
  });
}

/** What came of it in AWS. */
function inAws(change: KeyChange, after: CloudKey): string[] {
  const keys = new Map(after.kmsKeys.map((key) => [key.id, key]));
  return (after.aws ?? []).flatMap((one) => {
    const name = nameOf(keys.get(one.kmsKeyId) ?? { alias: '', region: one.region, keyArn: one.keyArn });
    switch (one.outcome) {
      case 'done':
        return [`In AWS ${name} ${doneInAws[change.verb] ?? 'has it too'}.`];
      case 'pending':
        return [`In AWS ${name} is not changed yet: it is retried until AWS does it.`];
      case 'no-key':
        return [`In AWS there is no KMS key ${name} yet.`];
      case 'by-hand': {
        const command = commandOf(change, one);
        return [
          `In AWS ${name} is unchanged: Holdfast does not sign in to that AWS account. To do it manually:`,
          command === undefined
            ? `  holdfast kms-key console ${after.name}`
            : `  aws kms ${command} --region ${one.region} --key-id ${one.keyArn ?? ''}`,
        ];
      }
    }
  });
}

const doneInAws: Partial<Record<KeyVerb, string>> = {
  disable: 'is Disabled too',
  enable: 'is Enabled too',
  'schedule-deletion': 'is pending deletion too',
  'cancel-deletion': 'will not be deleted either: it is Disabled',
};

/** AWS's own command for the same there. */
function commandOf({ verb, days }: KeyChange, { keyArn }: Outcome): string | undefined {
  if (keyArn === null) return undefined;
  const commands: Partial<Record<KeyVerb, string>> = {
    disable: 'disable-key',
    enable: 'enable-key',
    'schedule-deletion': `schedule-key-deletion --pending-window-in-days ${days ?? 30}`,
    'cancel-deletion': 'cancel-key-deletion',
  };
  return commands[verb];
}

function nameOf({ alias, keyArn, region }: Pick<ShortKmsKey, 'alias' | 'keyArn' | 'region'>): string {
  return alias === '' ? (keyArn ?? `in ${region}`) : `${alias} (${region})`;
}
