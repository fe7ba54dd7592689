import { useState } from 'react';
import { useAct, useIdempotencyKeys, useRecord, useWholeList } from '../api/queries.ts';
import { useFlash } from '../frame/flash.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { SelectField } from '../parts/fields.tsx';
import { useVaultId } from '../session/session.tsx';
import { stores as t } from '../texts/cloud.ts';
import { commands } from '../texts/commands.ts';
import { StoreFields } from './store-fields.tsx';
import { emptyStore, settled, storeBody, toldByStoreFields } from './store-form.ts';

interface Props {
  onClose: () => void;
  onMade: (keySetId: string, id: string) => void;
}

/** Has Holdfast make an external key store in AWS and connect it, or writes one down that a person makes. */
export function CreateStoreDialog({ onClose, onMade }: Props) {
  const vaultId = useVaultId();
  const flash = useFlash();
  const [keySetId, setKeySetId] = useState('');
  const [form, setForm] = useState(emptyStore);
  const set = (change: Partial<typeof form>) => setForm((now) => ({ ...now, ...change }));
  const keySets = useWholeList('listKeySets', { vaultId }, { query: { sort: 'name' } });
  const keySet = keySets.data?.find(({ id }) => id === keySetId);
  const account = useRecord(
    'getCspAccount',
    { vaultId, cspAccountId: keySet?.cspAccountId ?? '' },
    { enabled: typeof keySet?.cspAccountId === 'string', every: false },
  );
  const whole = settled(form, account.data?.body);
  const create = useAct('createExternalKeyStore');
  const keyOf = useIdempotencyKeys();
  return (
    <ActDialog
      size="large"
      title={t.create}
      submitLabel={t.createSubmit}
      command={commands.storeCreate({ ...whole, keySet: keySet?.name ?? 'KEY-SET' })}
      onClose={onClose}
      disabled={keySetId === '' || whole.region === ''}
      told={toldByStoreFields}
      onSubmit={async () => {
        const body = storeBody(whole);
        const made = await create.mutateAsync({
          params: { vaultId, keySetId },
          body,
          idempotencyKey: keyOf([keySetId, body]),
        });
        flash({ type: 'success', header: t.done.create(made.body.name) });
        onMade(keySetId, made.body.id);
      }}
    >
      <SelectField
        label={t.keySet}
        value={keySetId}
        onValue={setKeySetId}
        options={(keySets.data ?? []).map(({ id, name, description }) => ({
          value: id,
          label: name,
          description,
        }))}
        isLoading={keySets.isPending}
      />
      <StoreFields form={form} set={set} account={account.data?.body} problem={create.error} />
    </ActDialog>
  );
}
