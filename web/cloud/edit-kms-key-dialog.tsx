import { useState } from 'react';
import Toggle from '@cloudscape-design/components/toggle';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import type { Answered } from '../api/client.ts';
import { useAct } from '../api/queries.ts';
import { useFlash } from '../frame/flash.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { changeOf, merged, useSeen, type Fact, type Seen } from '../parts/seen.tsx';
import { useVaultId } from '../session/session.tsx';
import { byHand } from '../texts/by-hand.ts';
import { kmsKeys as t } from '../texts/cloud.ts';
import { commands } from '../texts/commands.ts';
import { parts } from '../texts/parts.ts';
import { KeyArnField, KmsKeyFields, toldByKmsKeyFields } from './kms-key-fields.tsx';
import { isPolicyWhole, kmsKeyBody, kmsKeyForm, tagsIn, type KmsKeyForm } from './kms-key-form.ts';

type KmsKey = Schemas['KmsKey'];

interface Props {
  first: Seen<KmsKey>;
  refetch: () => Promise<Answered<KmsKey>>;
  onClose: () => void;
}

/**
 * Alias, description, tags and key policy: on record here, and brought about in AWS, or done there by a person. Of a record
 * without a KMS key also which one it is.
 */
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
  const body = kmsKeyBody(change, form);
  const isChanged = Object.values(body).some((value) => value !== undefined);
  const { id, cloudKeyId, cloudKeyName, alias, region, origin, step } = first.body;
  const isByHand = origin === 'MANUAL';
  const asksAws = apply && !isByHand;
  return (
    <ActDialog
      title={t.editTitle(alias || cloudKeyName)}
      submitLabel={parts.save}
      size="large"
      command={commands.kmsKeyEdit({ alias, cloudKeyName, region }, body, apply || isByHand)}
      disabled={tagsIn(form.tags) === undefined || !isPolicyWhole(form) || !isChanged}
      told={['/keyArn', ...toldByKmsKeyFields]}
      onClose={onClose}
      {...whenChanged}
      onSubmit={async () => {
        const params = { vaultId, cloudKeyId, kmsKeyId: id };
        await update.mutateAsync({ params, body: { ...body, apply }, ifMatch: etag });
        const done = asksAws ? t.done : t.recorded;
        flash({ type: 'success', header: body.keyArn === undefined ? done : t.linked(cloudKeyName) });
      }}
    >
      {step === 'KEY' && <KeyArnField form={form} set={set} problem={update.error} isByHand={isByHand} />}
      <KmsKeyFields form={form} set={set} problem={update.error} />
      {!isByHand && (
        <Toggle
          checked={apply}
          onChange={({ detail }) => setApply(detail.checked)}
          description={t.applyNowWhy}
        >
          {t.applyNow}
        </Toggle>
      )}
    </ActDialog>
  );
}

function factsOf(kmsKey: KmsKey): readonly Fact[] {
  const { keyArn, alias, description, tags, policySource, document } = kmsKeyForm(kmsKey);
  return [
    [byHand.keyArn, keyArn],
    [t.alias, alias],
    [parts.description, description],
    [t.tags, tags],
    [t.policy, policySource === 'document' ? document : t.policyOf[policySource]],
  ];
}
