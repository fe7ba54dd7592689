import { useState } from 'react';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import type { Answered } from '../api/client.ts';
import { fieldProblem } from '../api/problem.ts';
import { useAct, useIdempotencyKeys, useWholeList } from '../api/queries.ts';
import { useFlash } from '../frame/flash.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { NamedFields, SelectField, TextField } from '../parts/fields.tsx';
import { changeOf, merged, useSeen } from '../parts/seen.tsx';
import { useVaultId } from '../session/session.tsx';
import { accounts as t } from '../texts/cloud.ts';
import { commands } from '../texts/commands.ts';
import { parts } from '../texts/parts.ts';
import { bodyOf, factsOfAccount, formOf, type AccountForm } from './account-form.ts';

type CspAccount = Schemas['CspAccount'];

interface Props {
  account?: { record: CspAccount; etag: string; refetch: () => Promise<Answered<CspAccount>> };
  onClose: () => void;
  onMade?: (id: string) => void;
}

/** Makes a CSP account, or changes one. The secret goes to the node alone, which seals it at once. */
export function AccountDialog({ account, onClose, onMade }: Props) {
  const vaultId = useVaultId();
  const flash = useFlash();
  const before = account?.record;
  const [form, setForm] = useState(() => formOf(before));
  const { now, etag, whenChanged } = useSeen(
    account === undefined ? undefined : { body: account.record, etag: account.etag },
    async () =>
      account === undefined ? Promise.reject(new Error('it is only being made')) : account.refetch(),
    factsOfAccount,
    (opened, theirs) => setForm((mine) => merged(mine, formOf(opened), formOf(theirs))),
  );
  const groups = useWholeList('listAdminGroups', { vaultId });
  const create = useAct('createCspAccount');
  const update = useAct('updateCspAccount');
  const keyOf = useIdempotencyKeys();
  const problem = create.error ?? update.error;
  const set = (change: Partial<typeof form>) => setForm((now) => ({ ...now, ...change }));
  const only = groups.data?.length === 1 ? groups.data[0]?.id : undefined;
  const adminGroupId = form.adminGroupId === '' ? (only ?? '') : form.adminGroupId;
  const hasKey = form.type === 'access-key' || form.type === 'role';
  const change = bodyOf({ ...form, adminGroupId }, now);
  const wordsOf = (said: AccountForm) => ({
    ...said,
    group: groups.data?.find(({ id }) => id === said.adminGroupId)?.name ?? '',
    hasKey,
  });
  const words = wordsOf({ ...form, adminGroupId });
  const submit = async () => {
    if (before === undefined) {
      const { name, type } = form;
      const body = { ...change, name, type, adminGroupId };
      const made = await create.mutateAsync({
        params: { vaultId },
        body,
        // With another secret it is another request; what it is of is in memory no longer than the form.
        idempotencyKey: keyOf(body),
      });
      flash({ type: 'success', header: t.created(made.body.name) });
      onMade?.(made.body.id);
      return;
    }
    const changed = await update.mutateAsync({
      params: { vaultId, cspAccountId: before.id },
      body: change,
      ifMatch: etag,
    });
    flash({ type: 'success', header: t.changed(changed.body.name) });
  };
  return (
    <ActDialog
      size="large"
      title={before === undefined ? t.create : t.editTitle(before.name)}
      submitLabel={before === undefined ? t.createSubmit : parts.save}
      command={
        before === undefined
          ? commands.accountCreate(words)
          : commands.accountEdit(before.name, changeOf(words, wordsOf(formOf(now))))
      }
      onClose={onClose}
      onSubmit={submit}
      disabled={form.name === '' || adminGroupId === '' || Object.keys(change).length === 0}
      told={[
        '/name',
        '/description',
        '/adminGroupId',
        '/awsAccountId',
        '/defaultRegion',
        '/accessKeyId',
        '/secretAccessKey',
        '/roleArn',
        '/accessKeyRotation',
      ]}
      {...whenChanged}
    >
      <NamedFields form={form} set={set} problem={problem} mono />
      <SelectField
        label={t.group}
        description={t.groupWhy}
        value={adminGroupId}
        onValue={(value) => set({ adminGroupId: value })}
        options={(groups.data ?? []).map(({ id, name }) => ({ value: id, label: name }))}
        isLoading={groups.isPending}
        error={fieldProblem(problem, '/adminGroupId')}
      />
      <SelectField
        label={t.type}
        value={form.type}
        onValue={(type) => set({ type: type as CspAccount['type'] })}
        options={(Object.keys(t.types) as CspAccount['type'][]).map((value) => ({
          value,
          label: t.types[value],
          description: t.typeWhy[value],
        }))}
        error={fieldProblem(problem, '/type')}
      />
      {form.type === 'manual' && (
        <TextField
          label={t.account}
          description={t.accountWhy}
          optional
          value={form.awsAccountId}
          onText={(awsAccountId) => set({ awsAccountId })}
          error={fieldProblem(problem, '/awsAccountId')}
          mono
        />
      )}
      {form.type === 'role' && (
        <TextField
          label={t.roleArn}
          value={form.roleArn}
          onText={(roleArn) => set({ roleArn })}
          error={fieldProblem(problem, '/roleArn')}
          mono
        />
      )}
      {hasKey && (
        <>
          <TextField
            label={t.accessKeyId}
            optional={form.type === 'role'}
            value={form.accessKeyId}
            onText={(accessKeyId) => set({ accessKeyId })}
            error={fieldProblem(problem, '/accessKeyId')}
            mono
          />
          <TextField
            label={t.secret}
            description={t.secretWhy}
            constraint={before === undefined ? undefined : t.secretStays}
            optional={before !== undefined || form.type === 'role'}
            type="password"
            autoComplete="new-password"
            value={form.secretAccessKey}
            onText={(secretAccessKey) => set({ secretAccessKey })}
            error={fieldProblem(problem, '/secretAccessKey')}
          />
          <TextField
            label={t.rotationDays}
            description={t.rotationWhy}
            optional
            type="number"
            value={form.rotationDays}
            onText={(rotationDays) => set({ rotationDays })}
            error={fieldProblem(problem, '/accessKeyRotation')}
          />
        </>
      )}
      <TextField
        label={t.region}
        description={t.regionWhy}
        optional
        value={form.defaultRegion}
        onText={(defaultRegion) => set({ defaultRegion })}
        error={fieldProblem(problem, '/defaultRegion')}
        mono
      />
    </ActDialog>
  );
}
