import { useState } from 'react';
import Toggle from '@cloudscape-design/components/toggle';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import type { Answered } from '../api/client.ts';
import { fieldProblem } from '../api/problem.ts';
import { useAct } from '../api/queries.ts';
import { useFlash } from '../frame/flash.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { SelectField, TextField } from '../parts/fields.tsx';
import { changeOf, merged, useSeen, type Fact, type Seen } from '../parts/seen.tsx';
import { useVaultId } from '../session/session.tsx';
import { kmsKeys as t } from '../texts/cloud.ts';
import { commands } from '../texts/commands.ts';
import { parts } from '../texts/parts.ts';
import { documentIn, kmsKeyBody, kmsKeyForm, tagsIn, type KmsKeyForm } from './kms-key-form.ts';

type KmsKey = Schemas['KmsKey'];

interface Props {
  first: Seen<KmsKey>;
  refetch: () => Promise<Answered<KmsKey>>;
  onClose: () => void;
}

/** Alias, description, tags and key policy: on record here, and brought about in AWS. */
export function EditKmsKeyDialog({ first, refetch, onClose }: Props) {
  const vaultId = useVaultId();
  const flash = useFlash();
  const [form, setForm] = useState(() => kmsKeyForm(first.body));
  const [apply, setApply] = useState(true);
  const set = (change: Partial<KmsKeyForm>) => setForm((before) => ({ ...before, ...change }));
  const { now, etag, whenChanged } = useSeen(first, refetch, factsOf, (before, theirs) =>
    setForm((mine) => merged(mine, kmsKeyForm(before), kmsKeyForm(theirs))),
  );
  const change = changeOf(form, kmsKeyForm(now ?? first.body));
  const update = useAct('updateKmsKey');
  const tags = tagsIn(form.tags);
  const isPolicyWhole = form.policySource !== 'document' || documentIn(form.document) !== undefined;
  const body = kmsKeyBody(change, form);
  const isChanged = Object.values(body).some((value) => value !== undefined);
  const { id, cloudKeyId, cloudKeyName, alias, region } = first.body;
  return (
    <ActDialog
      title={t.editTitle(alias || cloudKeyName)}
      submitLabel={parts.save}
      size="large"
      command={commands.kmsKeyEdit({ alias, cloudKeyName, region }, body, apply)}
      disabled={tags === undefined || !isPolicyWhole || !isChanged}
      told={['/alias', '/description', '/tags', '/policy']}
      onClose={onClose}
      {...whenChanged}
      onSubmit={async () => {
        const params = { vaultId, cloudKeyId, kmsKeyId: id };
        await update.mutateAsync({ params, body: { ...body, apply }, ifMatch: etag });
        flash({ type: 'success', header: apply ? t.done : t.recorded });
      }}
    >
      <TextField
        label={t.alias}
        value={form.alias}
        onText={(text) => set({ alias: text })}
        error={fieldProblem(update.error, '/alias')}
        mono
      />
      <TextField
        label={parts.description}
        optional
        value={form.description}
        onText={(description) => set({ description })}
        error={fieldProblem(update.error, '/description')}
      />
      <TextField
        label={t.tags}
        optional
        constraint={t.tagsHow}
        value={form.tags}
        onText={(text) => set({ tags: text })}
        rows={3}
        error={tags === undefined ? t.tagsWrong : fieldProblem(update.error, '/tags')}
        mono
      />
      <SelectField
        label={t.policy}
        value={form.policySource}
        onValue={(value) => set({ policySource: value as KmsKey['policySource'] })}
        options={Object.entries(t.policyOf).map(([value, label]) => ({ value, label }))}
        error={form.policySource === 'document' ? undefined : fieldProblem(update.error, '/policy')}
      />
      {form.policySource === 'document' && (
        <TextField
          label={t.policyDocument}
          value={form.document}
          onText={(document) => set({ document })}
          rows={12}
          error={isPolicyWhole ? fieldProblem(update.error, '/policy') : t.policyWrong}
          mono
        />
      )}
      <Toggle checked={apply} onChange={({ detail }) => setApply(detail.checked)} description={t.applyNowWhy}>
        {t.applyNow}
      </Toggle>
    </ActDialog>
  );
}

function factsOf(kmsKey: KmsKey): readonly Fact[] {
  const { alias, description, tags, policySource, document } = kmsKeyForm(kmsKey);
  return [
    [t.alias, alias],
    [parts.description, description],
    [t.tags, tags],
    [t.policy, policySource === 'document' ? document : t.policyOf[policySource]],
  ];
}
