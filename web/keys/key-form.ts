import type { Schemas } from '../../src/cli/client/api-types.ts';
import type { BodyOf } from '../api/operation-types.ts';
import { policyOf, tagsIn, type KmsKeyForm } from '../cloud/kms-key-form.ts';
import { quotaBody, quotaForm, quotaWord, type QuotaForm } from '../parts/quota-form.ts';
import { changeOf } from '../parts/seen.tsx';
import type { CloudKeyWords } from '../texts/command-words.ts';

/* What is said of a CloudKey when it is made or changed, as the fields of a form have it. */

export interface KeyForm extends QuotaForm, Pick<KmsKeyForm, 'tags' | 'policySource' | 'document'> {
  keySetId: string;
  name: string;
  description: string;
  region: string;
  usage: Schemas['CloudKey']['usage'];
  kmsKey: boolean;
  /** Of its KMS key; undefined while it follows the name. */
  alias: string | undefined;
  administrators: readonly string[];
  users: readonly string[];
  rotation: 'INHERIT' | 'NEVER' | 'DAYS';
  days: string;
  /** `YYYY-MM-DD`, UTC; empty for never. */
  expires: string;
}

export const emptyForm: KeyForm = {
  keySetId: '',
  name: '',
  description: '',
  region: '',
  usage: 'encrypt-decrypt',
  kmsKey: true,
  ...{ alias: undefined, tags: '', policySource: 'generated', document: '' },
  administrators: [],
  users: [],
  rotation: 'INHERIT',
  days: '365',
  expires: '',
  ...{ quota: '', burst: '' },
};

export function formOf(key: Schemas['CloudKey']): KeyForm {
  return {
    ...emptyForm,
    keySetId: key.keySetId,
    name: key.name,
    description: key.description,
    region: key.region,
    usage: key.usage,
    administrators: key.administrators,
    users: key.users,
    rotation: key.rotation.kind,
    days: key.rotation.kind === 'DAYS' ? String(key.rotation.days) : emptyForm.days,
    expires: key.expiresAt?.slice(0, 10) ?? '',
    ...quotaForm(key.quota),
  };
}

type Changed = BodyOf<'updateCloudKey'>;

/** The fields that creates and changes have in common. */
function common(
  form: KeyForm,
): Required<
  Pick<Changed, 'name' | 'description' | 'administrators' | 'users' | 'rotation' | 'expiresAt' | 'quota'>
> {
  return {
    name: form.name,
    description: form.description,
    administrators: [...form.administrators],
    users: [...form.users],
    rotation: form.rotation === 'DAYS' ? { kind: 'DAYS', days: Number(form.days) } : { kind: form.rotation },
    expiresAt: form.expires === '' ? null : `${form.expires}T00:00:00Z`,
    quota: quotaBody(form),
  };
}

/** The alias that its KMS key gets. */
export function aliasOf({ alias, name }: KeyForm): string {
  return alias ?? `alias/${name}`;
}

/** What is told of its KMS key; of one that is as it comes, that there is to be one. */
function kmsKeyOf(form: KeyForm): BodyOf<'createCloudKey'>['kmsKey'] {
  if (!form.kmsKey) return false;
  const told = {
    ...(form.alias === undefined ? {} : { alias: form.alias }),
    ...(form.tags.trim() === '' ? {} : { tags: tagsIn(form.tags) }),
    ...(form.policySource === 'generated' ? {} : { policy: policyOf(form) }),
  };
  return Object.keys(told).length === 0 ? true : told;
}

export function createBody(form: KeyForm): BodyOf<'createCloudKey'> {
  return {
    ...common(form),
    keySetId: form.keySetId,
    usage: form.usage,
    kmsKey: kmsKeyOf(form),
    ...(form.region === '' ? {} : { region: form.region }),
  };
}

/** What differs from before: what somebody else changed meanwhile is left to the precondition. */
export function changeBody(form: KeyForm, before: Schemas['CloudKey']): Changed {
  // A time of day that the form cannot say is kept unless the date was changed.
  return changeOf(common(form), common(formOf(before)));
}

export function wordsOf(form: KeyForm, keySet: string): CloudKeyWords {
  return {
    name: form.name,
    keySet,
    description: form.description,
    region: form.region,
    administrators: form.administrators,
    users: form.users,
    rotation: form.rotation === 'DAYS' ? form.days : form.rotation.toLowerCase(),
    expires: form.expires,
    usage: form.usage,
    kmsKey: form.kmsKey,
    quota: quotaWord(form),
    alias: form.alias,
    tags: tagsIn(form.tags) ?? {},
    policy: form.policySource,
  };
}
