import { useState } from 'react';
import Checkbox from '@cloudscape-design/components/checkbox';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import type { Answered } from '../api/client.ts';
import { fieldProblem } from '../api/problem.ts';
import { useAct } from '../api/queries.ts';
import { useFlash } from '../frame/flash.tsx';
import { sentence } from '../frame/problem-alert.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { SelectField, TextField } from '../parts/fields.tsx';
import { merged, useSeen } from '../parts/seen.tsx';
import { stateWord } from '../parts/state.tsx';
import { useVaultId } from '../session/session.tsx';
import { stores as t } from '../texts/cloud.ts';
import { commands } from '../texts/commands.ts';
import { parts } from '../texts/parts.ts';
import { storeEdit } from '../texts/store-edit.ts';
import {
  factsOfStore,
  storeEditBody,
  storeEditForm,
  toldStates,
  type StoreEditForm,
} from './store-edit-form.ts';
import { ReachFields } from './store-fields.tsx';
import { toldByReachFields } from './store-form.ts';

type Store = Schemas['ExternalKeyStore'];

interface Props {
  store: Store;
  etag: string;
  refetch: () => Promise<Answered<Store>>;
  onClose: () => void;
}

/** Changes an external key store, in AWS too; of one that a person looks after, records what they did and see there. */
export function EditStoreDialog({ store, etag, refetch, onClose }: Props) {
  const vaultId = useVaultId();
  const flash = useFlash();
  const [form, setForm] = useState(() => storeEditForm(store));
  const set = (change: Partial<StoreEditForm>) => setForm((before) => ({ ...before, ...change }));
  const seen = useSeen({ body: store, etag }, refetch, factsOfStore, (before, theirs) =>
    setForm((mine) => merged(mine, storeEditForm(before), storeEditForm(theirs))),
  );
  const there = seen.now ?? store;
  const update = useAct('updateExternalKeyStore');
  const body = storeEditBody(form, there);
  const { disconnect: _, ...changed } = body;
  const isByHand = store.origin === 'MANUAL';
  const otherPath = there.warnings.find(({ code }) => code === 'PATH_DIFFERS');
  const fields = { form, set, problem: update.error };
  return (
    <ActDialog
      title={isByHand ? t.tellTitle(store.name) : t.editTitle(store.name)}
      submitLabel={parts.save}
      size="large"
      command={commands.storeEdit(store, body)}
      onClose={onClose}
      {...seen.whenChanged}
      disabled={Object.keys(changed).length === 0}
      told={['/name', '/customKeyStoreId', '/state', '/connectionError', ...toldByReachFields]}
      onSubmit={async () => {
        const params = { vaultId, keySetId: store.keySetId, externalKeyStoreId: store.id };
        await update.mutateAsync({ params, body, ifMatch: seen.etag });
        flash({ type: 'success', header: t.done.edit(form.name) });
      }}
    >
      {isByHand && <ToldFields {...fields} />}
      <TextField
        label={t.name}
        value={form.name}
        onText={(name) => set({ name })}
        error={fieldProblem(update.error, '/name')}
        mono
      />
      <ReachFields
        {...fields}
        {...(form.connectivity === there.connectivity ? {} : { constraint: storeEdit.endpointToo })}
      />
      {otherPath !== undefined && (
        <Checkbox
          checked={form.restorePath}
          description={sentence(otherPath.message)}
          onChange={({ detail }) => set({ restorePath: detail.checked })}
        >
          {isByHand ? storeEdit.restorePathByHand : storeEdit.restorePath}
        </Checkbox>
      )}
      {!isByHand && (
        <Checkbox
          checked={form.disconnect}
          description={t.editDisconnectWhy}
          onChange={({ detail }) => set({ disconnect: detail.checked })}
        >
          {t.editDisconnect}
        </Checkbox>
      )}
    </ActDialog>
  );
}

interface FieldsProps {
  form: StoreEditForm;
  set: (change: Partial<StoreEditForm>) => void;
  problem: unknown;
}

/** What a person sees of it in AWS. */
function ToldFields({ form, set, problem }: FieldsProps) {
  return (
    <SpaceBetween size="m">
      <TextField
        label={t.tellId}
        value={form.customKeyStoreId}
        onText={(customKeyStoreId) => set({ customKeyStoreId })}
        error={fieldProblem(problem, '/customKeyStoreId')}
        mono
      />
      <SelectField
        label={t.tellState}
        value={form.state}
        onValue={(value) => set({ state: value as StoreEditForm['state'] })}
        options={toldStates.map((value) => ({ value, label: stateWord(value) }))}
        error={fieldProblem(problem, '/state')}
      />
      {form.state === 'FAILED' && (
        <TextField
          label={t.tellError}
          value={form.connectionError}
          onText={(connectionError) => set({ connectionError })}
          error={fieldProblem(problem, '/connectionError')}
          mono
        />
      )}
    </SpaceBetween>
  );
}
