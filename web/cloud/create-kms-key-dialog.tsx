import { useState } from 'react';
import Box from '@cloudscape-design/components/box';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { fieldProblem } from '../api/problem.ts';
import { useAct, useIdempotencyKeys } from '../api/queries.ts';
import { useFlash } from '../frame/flash.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { SelectField } from '../parts/fields.tsx';
import { changeOf } from '../parts/seen.tsx';
import { useVaultId } from '../session/session.tsx';
import { byHand } from '../texts/by-hand.ts';
import { kmsKeys as t } from '../texts/cloud.ts';
import { commands } from '../texts/commands.ts';
import { newKmsKey } from '../texts/kms-keys.ts';
import { KeyArnField, KmsKeyFields, toldByKmsKeyFields } from './kms-key-fields.tsx';
import { isPolicyWhole, kmsKeyBody, tagsIn, type KmsKeyForm } from './kms-key-form.ts';

type CloudKey = Schemas['CloudKey'];
type Store = Schemas['ExternalKeyStore'];

interface Props {
  cloudKey: CloudKey;
  /** In which there is no KMS key of it yet. */
  stores: readonly Store[];
  onClose: () => void;
  onMade: (id: string) => void;
}

/** Has Holdfast make the KMS key of a CloudKey, links one that is in AWS, or puts one on record that a person makes. */
export function CreateKmsKeyDialog({ cloudKey, stores, onClose, onMade }: Props) {
  const vaultId = useVaultId();
  const flash = useFlash();
  const [unless] = useState(() => stores.find(({ region }) => region === cloudKey.region) ?? stores[0]);
  const [storeId, setStoreId] = useState(unless?.id ?? '');
  const [first] = useState(() => formOf(cloudKey));
  const [form, setForm] = useState(first);
  const set = (change: Partial<KmsKeyForm>) => setForm((before) => ({ ...before, ...change }));
  const create = useAct('createKmsKey');
  const keyOf = useIdempotencyKeys();
  const store = stores.find(({ id }) => id === storeId);
  const isByHand = store?.origin === 'MANUAL';
  // What is not told is as the CloudKey has it.
  const told = kmsKeyBody(changeOf(form, first), form);
  return (
    <ActDialog
      size="large"
      title={newKmsKey.title(cloudKey.name)}
      submitLabel={newKmsKey.create}
      command={commands.kmsKeyCreate(cloudKey.name, cloudKey.keySetName, { ...told, region: store?.region })}
      disabled={store === undefined || tagsIn(form.tags) === undefined || !isPolicyWhole(form)}
      told={['/externalKeyStoreId', '/keyArn', ...toldByKmsKeyFields]}
      onClose={onClose}
      onSubmit={async () => {
        const body = { ...told, externalKeyStoreId: storeId };
        const made = await create.mutateAsync({
          params: { vaultId, cloudKeyId: cloudKey.id },
          body,
          idempotencyKey: keyOf(body),
        });
        const { name } = cloudKey;
        const isLinked = told.keyArn !== undefined;
        flash({ type: 'success', header: isLinked ? t.linked(name) : newKmsKey.created(name) });
        onMade(made.body.id);
      }}
    >
      <Box>{isByHand ? byHand.createWhy : newKmsKey.why}</Box>
      <SelectField
        label={t.store}
        value={storeId}
        onValue={setStoreId}
        options={stores.map(({ id, name, region }) => ({ value: id, label: name, description: region }))}
        error={fieldProblem(create.error, '/externalKeyStoreId')}
      />
      <KmsKeyFields form={form} set={set} problem={create.error} />
      <KeyArnField form={form} set={set} problem={create.error} isByHand={isByHand} />
    </ActDialog>
  );
}

/** As it becomes where nothing else is told. */
function formOf({ name, description }: CloudKey): KmsKeyForm {
  const alias = `alias/${name}`;
  return { keyArn: '', alias, description, tags: '', policySource: 'generated', document: '' };
}
