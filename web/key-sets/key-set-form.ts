import type { Schemas } from '../../src/cli/client/api-types.ts';
import { quotaBody, quotaForm, quotaText, quotaWord } from '../parts/quota-form.ts';
import type { Fact } from '../parts/seen.tsx';
import type { KeySetWords } from '../texts/command-words.ts';
import { keySets as t } from '../texts/key-sets.ts';
import { parts } from '../texts/parts.ts';

type KeySet = Schemas['KeySet'];

/** What is typed of a key set. */
export type KeySetForm = ReturnType<typeof formOf>;

/** Fields that tell their own problems. */
export const toldByKeySetFields = [
  '/name',
  '/token',
  '/pathPrefix',
  '/description',
  '/adminGroupId',
  '/cspAccountId',
  '/rotation',
  '/quota',
];

export function formOf(keySet: KeySet | undefined) {
  return {
    name: keySet?.name ?? '',
    token: keySet?.token ?? '',
    pathPrefix: keySet?.pathPrefix ?? guess(),
    description: keySet?.description ?? '',
    adminGroupId: keySet?.adminGroupId ?? '',
    cspAccountId: keySet?.cspAccountId ?? '',
    externalKeyStore: keySet?.externalKeyStore ?? true,
    rotationDays: keySet?.rotation.days?.toString() ?? '',
    ...quotaForm(keySet?.quota ?? null),
  };
}

export function bodyOf(form: KeySetForm) {
  return {
    name: form.name,
    token: form.token,
    pathPrefix: form.pathPrefix,
    description: form.description,
    adminGroupId: form.adminGroupId === '' ? null : form.adminGroupId,
    cspAccountId: form.cspAccountId === '' ? null : form.cspAccountId,
    externalKeyStore: form.externalKeyStore,
    rotation: { days: form.rotationDays === '' ? null : Number(form.rotationDays) },
    quota: quotaBody(form),
  };
}

interface Named {
  id: string;
  name: string;
}

export function wordsOf(
  form: KeySetForm,
  groups: readonly Named[] = [],
  accounts: readonly Named[] = [],
): KeySetWords {
  return {
    name: form.name,
    token: form.token,
    pathPrefix: form.pathPrefix,
    description: form.description,
    group: groups.find(({ id }) => id === form.adminGroupId)?.name ?? '',
    account: accounts.find(({ id }) => id === form.cspAccountId)?.name ?? '',
    forAws: form.externalKeyStore,
    rotationDays: form.rotationDays,
    quota: quotaWord(form),
  };
}

/** A path prefix that nobody guesses. */
function guess(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(9)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
}

/** Of one that is to be made. */
export function factsOfNew(form: KeySetForm, words: KeySetWords): readonly Fact[] {
  return [
    [parts.name, form.name],
    [parts.description, form.description === '' ? parts.none : form.description],
    [t.group, words.group === '' ? t.noGroup : words.group],
    [t.token, form.token],
    [t.prefix, form.pathPrefix],
    [t.account, words.account === '' ? t.noAccount : words.account],
    [t.rotation, form.rotationDays === '' ? t.never : t.every(Number(form.rotationDays))],
    [t.quota, quotaText(form) ?? t.noQuota],
  ];
}

export function factsOfKeySet(keySet: KeySet): readonly Fact[] {
  const { rotation, quota, frozenSince } = keySet;
  return [
    [parts.name, keySet.name],
    [parts.description, keySet.description],
    [t.token, keySet.token],
    [t.prefix, keySet.pathPrefix],
    [t.group, keySet.adminGroupId ?? t.noGroup],
    [t.account, keySet.cspAccountId ?? t.noAccount],
    [t.forAws, keySet.externalKeyStore ? parts.yes : parts.no],
    [t.rotation, rotation.days === null ? t.never : t.every(rotation.days)],
    [t.quota, quota === null ? t.noQuota : t.quotaOf(quota.requestsPerSecond, quota.burst)],
    [t.keys, String(keySet.cloudKeys)],
    [t.frozenSince, frozenSince.keySet ?? parts.no],
  ];
}
