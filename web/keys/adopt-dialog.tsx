import { useState } from 'react';
import Box from '@cloudscape-design/components/box';
import Toggle from '@cloudscape-design/components/toggle';
import { fieldProblem } from '../api/problem.ts';
import { useAct, useIdempotencyKeys, useWholeList } from '../api/queries.ts';
import { useFlash } from '../frame/flash.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { SelectField, TextField } from '../parts/fields.tsx';
import { useVaultId } from '../session/session.tsx';
import { adopt as t } from '../texts/adopt.ts';
import { commands } from '../texts/commands.ts';
import { parts } from '../texts/parts.ts';

interface Props {
  onClose: () => void;
  /** With the id of the CloudKey that it has become. */
  onAdopted: (id: string) => void;
}

const empty = { label: '', name: '', externalKeyId: '', region: '', description: '', restrict: false };

/** A key object that the AWS sample proxy used becomes a CloudKey. */
export function AdoptDialog({ onClose, onAdopted }: Props) {
  const vaultId = useVaultId();
  const flash = useFlash();
  const [keySetId, setKeySetId] = useState('');
  const [form, setForm] = useState(empty);
  const set = (change: Partial<typeof form>) => setForm((now) => ({ ...now, ...change }));
  const keySets = useWholeList('listKeySets', { vaultId }, { query: { sort: 'name' } });
  const keySet = keySets.data?.find(({ id }) => id === keySetId);
  const adopt = useAct('adoptCloudKey');
  const keyOf = useIdempotencyKeys();
  const problemAt = (field: string) => fieldProblem(adopt.error, `/${field}`);
  const { externalKeyId, region, ...rest } = form;
  return (
    <ActDialog
      title={t.adopt}
      submitLabel={t.adopt}
      size="large"
      command={commands.cloudKeyAdopt({ ...form, keySet: keySet?.name ?? 'KEY-SET' })}
      disabled={keySetId === '' || form.label === '' || form.name === ''}
      told={['/keySetId', '/label', '/name', '/externalKeyId', '/region', '/description']}
      onClose={onClose}
      onSubmit={async () => {
        const body = {
          ...rest,
          keySetId,
          ...(externalKeyId === '' ? {} : { externalKeyId }),
          ...(region === '' ? {} : { region }),
        };
        const { body: key } = await adopt.mutateAsync({
          params: { vaultId },
          body,
          idempotencyKey: keyOf(body),
        });
        flash({ type: 'success', header: t.done(key.name) });
        onAdopted(key.id);
      }}
    >
      <Box>{t.why}</Box>
      <SelectField
        label={t.keySet}
        description={t.keySetWhy}
        value={keySetId}
        onValue={setKeySetId}
        options={(keySets.data ?? []).map(({ id, name, token }) => ({
          value: id,
          label: name,
          description: token,
        }))}
        isLoading={keySets.isPending}
        error={problemAt('keySetId')}
      />
      <TextField
        label={t.label}
        description={t.labelWhy}
        value={form.label}
        onText={(label) => set({ label })}
        error={problemAt('label')}
        mono
      />
      <TextField
        label={t.name}
        value={form.name}
        onText={(name) => set({ name })}
        error={problemAt('name')}
        mono
      />
      <TextField
        label={t.externalKeyId}
        description={t.externalKeyIdWhy}
        optional
        value={externalKeyId}
        onText={(text) => set({ externalKeyId: text })}
        placeholder={form.label}
        error={problemAt('externalKeyId')}
        mono
      />
      <TextField
        label={t.region}
        description={t.regionWhy}
        optional
        value={region}
        onText={(text) => set({ region: text })}
        error={problemAt('region')}
        mono
      />
      <TextField
        label={parts.description}
        optional
        value={form.description}
        onText={(description) => set({ description })}
        error={problemAt('description')}
      />
      <Toggle
        checked={form.restrict}
        description={t.restrictWhy}
        onChange={({ detail }) => set({ restrict: detail.checked })}
      >
        {t.restrict}
      </Toggle>
    </ActDialog>
  );
}
