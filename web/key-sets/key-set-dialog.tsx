import { useState } from 'react';
import Toggle from '@cloudscape-design/components/toggle';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import type { Answered } from '../api/client.ts';
import { fieldProblem } from '../api/problem.ts';
import { useAct, useIdempotencyKeys, useRecord, useWholeList } from '../api/queries.ts';
import { useFlash } from '../frame/flash.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { NamedFields, SelectField, TextField } from '../parts/fields.tsx';
import { changeOf, merged, useSeen, type Fact } from '../parts/seen.tsx';
import { useVaultId } from '../session/session.tsx';
import { commands } from '../texts/commands.ts';
import { keySets as t } from '../texts/key-sets.ts';
import { parts } from '../texts/parts.ts';

type KeySet = Schemas['KeySet'];

interface Props {
  /** The one to be changed, as it was seen; none to make one. */
  keySet?: { record: KeySet; etag: string; refetch: () => Promise<Answered<KeySet>> };
  onClose: () => void;
  onMade?: (id: string) => void;
}

/** Makes a key set, or changes one. */
export function KeySetDialog({ keySet, onClose, onMade }: Props) {
  const vaultId = useVaultId();
  const flash = useFlash();
  const before = keySet?.record;
  const [form, setForm] = useState(() => formOf(before));
  const { now, etag, whenChanged } = useSeen(
    keySet === undefined ? undefined : { body: keySet.record, etag: keySet.etag },
    async () =>
      keySet === undefined ? Promise.reject(new Error('it is only being made')) : keySet.refetch(),
    factsOfKeySet,
    (opened, theirs) => setForm((mine) => merged(mine, formOf(opened), formOf(theirs))),
  );
  const vault = useRecord('getVault', { vaultId });
  const groups = useWholeList('listAdminGroups', { vaultId });
  const accounts = useWholeList('listCspAccounts', { vaultId });
  const create = useAct('createKeySet');
  const update = useAct('updateKeySet');
  const keyOf = useIdempotencyKeys();
  const problem = create.error ?? update.error;
  const set = (change: Partial<typeof form>) => setForm((now) => ({ ...now, ...change }));
  const tokens = vault.data?.body.tokens ?? [];
  const token = form.token === '' && tokens.length === 1 ? (tokens[0] ?? '') : form.token;
  const body = bodyOf({ ...form, token });
  // Token and path prefix cannot be sent once there are keys, even as they are.
  const change = now === undefined ? body : changeOf(body, bodyOf(formOf(now)));
  const wordsOf = (said: KeySetForm) => ({
    name: said.name,
    token: said.token,
    pathPrefix: said.pathPrefix,
    description: said.description,
    group: groups.data?.find(({ id }) => id === said.adminGroupId)?.name ?? '',
    account: accounts.data?.find(({ id }) => id === said.cspAccountId)?.name ?? '',
    forAws: said.externalKeyStore,
    rotationDays: said.rotationDays,
    quota: said.quota,
  });
  const words = wordsOf({ ...form, token });
  const submit = async () => {
    if (before === undefined) {
      const made = await create.mutateAsync({ params: { vaultId }, body, idempotencyKey: keyOf(body) });
      flash({ type: 'success', header: t.created(made.body.name) });
      onMade?.(made.body.id);
      return;
    }
    const params = { vaultId, keySetId: before.id };
    const changed = await update.mutateAsync({ params, body: change, ifMatch: etag });
    flash({ type: 'success', header: t.changed(changed.body.name) });
  };
  return (
    <ActDialog
      size="large"
      title={before === undefined ? t.create : t.editTitle(before.name)}
      submitLabel={before === undefined ? t.createSubmit : parts.save}
      command={
        before === undefined
          ? commands.keySetCreate(words)
          : commands.keySetEdit(before.name, changeOf(words, wordsOf(formOf(now ?? before))))
      }
      onClose={onClose}
      onSubmit={submit}
      disabled={form.name === '' || token === '' || Object.keys(change).length === 0}
      told={[
        '/name',
        '/token',
        '/pathPrefix',
        '/description',
        '/adminGroupId',
        '/cspAccountId',
        '/rotation',
        '/quota',
      ]}
      {...whenChanged}
    >
      <NamedFields form={form} set={set} problem={problem} mono />
      <SelectField
        label={t.token}
        description={t.tokenWhy}
        value={token}
        onValue={(value) => set({ token: value })}
        options={tokens.map((value) => ({ value, label: value }))}
        isLoading={vault.isPending}
        error={fieldProblem(problem, '/token')}
      />
      <TextField
        label={t.prefix}
        description={t.prefixWhy}
        value={form.pathPrefix}
        onText={(pathPrefix) => set({ pathPrefix })}
        error={fieldProblem(problem, '/pathPrefix')}
        mono
      />
      <SelectField
        label={t.group}
        description={t.groupWhy}
        value={form.adminGroupId}
        onValue={(adminGroupId) => set({ adminGroupId })}
        options={[
          { value: '', label: t.noGroup },
          ...(groups.data ?? []).map(({ id, name }) => ({ value: id, label: name })),
        ]}
        isLoading={groups.isPending}
        error={fieldProblem(problem, '/adminGroupId')}
      />
      <SelectField
        label={t.account}
        description={t.accountWhy}
        value={form.cspAccountId}
        onValue={(cspAccountId) => set({ cspAccountId })}
        options={[
          { value: '', label: t.noAccount },
          ...(accounts.data ?? []).map(({ id, name, awsAccountId }) => ({
            value: id,
            label: name,
            description: awsAccountId,
          })),
        ]}
        isLoading={accounts.isPending}
        error={fieldProblem(problem, '/cspAccountId')}
      />
      <Toggle
        checked={form.externalKeyStore}
        onChange={({ detail }) => set({ externalKeyStore: detail.checked })}
      >
        {t.forAws}
      </Toggle>
      <TextField
        label={t.rotationDays}
        description={t.rotationWhy}
        optional
        type="number"
        value={form.rotationDays}
        onText={(rotationDays) => set({ rotationDays })}
        error={fieldProblem(problem, '/rotation')}
      />
      <TextField
        label={t.quota}
        description={t.quotaWhy}
        optional
        type="number"
        value={form.quota}
        onText={(quota) => set({ quota })}
        error={fieldProblem(problem, '/quota')}
      />
    </ActDialog>
  );
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

type KeySetForm = ReturnType<typeof formOf>;

function formOf(keySet: KeySet | undefined) {
  return {
    name: keySet?.name ?? '',
    token: keySet?.token ?? '',
    pathPrefix: keySet?.pathPrefix ?? guess(),
    description: keySet?.description ?? '',
    adminGroupId: keySet?.adminGroupId ?? '',
    cspAccountId: keySet?.cspAccountId ?? '',
    externalKeyStore: keySet?.externalKeyStore ?? true,
    rotationDays: keySet?.rotation.days?.toString() ?? '',
    quota: keySet?.quota?.requestsPerSecond.toString() ?? '',
  };
}

function bodyOf(form: KeySetForm) {
  return {
    name: form.name,
    token: form.token,
    pathPrefix: form.pathPrefix,
    description: form.description,
    adminGroupId: form.adminGroupId === '' ? null : form.adminGroupId,
    cspAccountId: form.cspAccountId === '' ? null : form.cspAccountId,
    externalKeyStore: form.externalKeyStore,
    rotation: { days: form.rotationDays === '' ? null : Number(form.rotationDays) },
    quota: form.quota === '' ? null : { requestsPerSecond: Number(form.quota) },
  };
}

/** A path prefix that nobody guesses. */
function guess(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(9)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
}
