import { useState } from 'react';
import Toggle from '@cloudscape-design/components/toggle';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { fieldProblem } from '../api/problem.ts';
import { useAct, useIdempotencyKeys, useRecord, useWholeList } from '../api/queries.ts';
import { useFlash } from '../frame/flash.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { SelectField, TextField } from '../parts/fields.tsx';
import { useVaultId } from '../session/session.tsx';
import { commands } from '../texts/commands.ts';
import { keySets as t } from '../texts/key-sets.ts';
import { parts } from '../texts/parts.ts';

type KeySet = Schemas['KeySet'];

interface Props {
  /** The one to be changed, as it was seen; none to make one. */
  keySet?: { record: KeySet; etag: string; refetch: () => Promise<string | undefined> };
  onClose: () => void;
  onMade?: (id: string) => void;
}

/** Makes a key set, or changes one. */
export function KeySetDialog({ keySet, onClose, onMade }: Props) {
  const vaultId = useVaultId();
  const flash = useFlash();
  const before = keySet?.record;
  const [form, setForm] = useState(() => ({
    name: before?.name ?? '',
    token: before?.token ?? '',
    pathPrefix: before?.pathPrefix ?? guess(),
    description: before?.description ?? '',
    adminGroupId: before?.adminGroupId ?? '',
    cspAccountId: before?.cspAccountId ?? '',
    externalKeyStore: before?.externalKeyStore ?? true,
    rotationDays: before?.rotation.days?.toString() ?? '',
    quota: before?.quota?.requestsPerSecond.toString() ?? '',
  }));
  const [etag, setEtag] = useState(keySet?.etag ?? '');
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
  const body = {
    name: form.name,
    token,
    pathPrefix: form.pathPrefix,
    description: form.description,
    adminGroupId: form.adminGroupId === '' ? null : form.adminGroupId,
    cspAccountId: form.cspAccountId === '' ? null : form.cspAccountId,
    externalKeyStore: form.externalKeyStore,
    rotation: { days: form.rotationDays === '' ? null : Number(form.rotationDays) },
    quota: form.quota === '' ? null : { requestsPerSecond: Number(form.quota) },
  };
  const words = {
    name: form.name,
    token,
    pathPrefix: form.pathPrefix,
    description: form.description,
    group: groups.data?.find(({ id }) => id === form.adminGroupId)?.name ?? '',
    account: accounts.data?.find(({ id }) => id === form.cspAccountId)?.name ?? '',
    forAws: form.externalKeyStore,
    rotationDays: form.rotationDays,
    quota: form.quota,
  };
  const submit = async () => {
    if (before === undefined) {
      const made = await create.mutateAsync({ params: { vaultId }, body, idempotencyKey: keyOf(body) });
      flash({ type: 'success', header: t.created(made.body.name) });
      onMade?.(made.body.id);
      return;
    }
    const params = { vaultId, keySetId: before.id };
    const changed = await update.mutateAsync({ params, body: changeOf(body, before), ifMatch: etag });
    flash({ type: 'success', header: t.changed(changed.body.name) });
  };
  return (
    <ActDialog
      size="large"
      title={before === undefined ? t.create : t.editTitle(before.name)}
      submitLabel={before === undefined ? t.createSubmit : parts.save}
      command={before === undefined ? commands.keySetCreate(words) : commands.keySetEdit(before.name, words)}
      onClose={onClose}
      onSubmit={submit}
      disabled={form.name === '' || token === ''}
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
      {...(keySet === undefined
        ? {}
        : {
            onConflict: async () => setEtag((await keySet.refetch()) ?? '*'),
          })}
    >
      <TextField
        label={parts.name}
        value={form.name}
        onText={(name) => set({ name })}
        error={fieldProblem(problem, '/name')}
        autoFocus
        mono
      />
      <TextField
        label={parts.description}
        optional
        value={form.description}
        onText={(description) => set({ description })}
        error={fieldProblem(problem, '/description')}
      />
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

/** A path prefix that nobody guesses. */
function guess(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(9)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
}

/** What differs from before: token and path prefix cannot be sent once there are keys, even as they are. */
function changeOf<B extends object>(body: B, before: KeySet): Partial<B> {
  const old = {
    ...before,
    quota: before.quota === null ? null : { requestsPerSecond: before.quota.requestsPerSecond },
  };
  return Object.fromEntries(
    Object.entries(body).filter(
      ([name, value]) => JSON.stringify(value) !== JSON.stringify(old[name as keyof typeof old]),
    ),
  ) as Partial<B>;
}
