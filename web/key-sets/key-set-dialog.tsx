import { useState } from 'react';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import type { Answered } from '../api/client.ts';
import { useAct, useWholeList } from '../api/queries.ts';
import { useFlash } from '../frame/flash.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { changeOf, merged, useSeen } from '../parts/seen.tsx';
import { useVaultId } from '../session/session.tsx';
import { commands } from '../texts/commands.ts';
import { keySets as t } from '../texts/key-sets.ts';
import { parts } from '../texts/parts.ts';
import { AccountFields, DetailsFields, ForAwsField, ScheduleFields, TokenFields } from './key-set-fields.tsx';
import {
  bodyOf,
  factsOfKeySet,
  formOf,
  toldByKeySetFields,
  wordsOf,
  type KeySetForm,
} from './key-set-form.ts';

type KeySet = Schemas['KeySet'];

interface Props {
  /** As it was seen. */
  keySet: { record: KeySet; etag: string; refetch: () => Promise<Answered<KeySet>> };
  onClose: () => void;
}

/** Changes a key set. */
export function KeySetDialog({ keySet, onClose }: Props) {
  const vaultId = useVaultId();
  const flash = useFlash();
  const before = keySet.record;
  const [form, setForm] = useState(() => formOf(before));
  const { now, etag, whenChanged } = useSeen(
    { body: before, etag: keySet.etag },
    keySet.refetch,
    factsOfKeySet,
    (opened, theirs) => setForm((mine) => merged(mine, formOf(opened), formOf(theirs))),
  );
  const groups = useWholeList('listAdminGroups', { vaultId });
  const accounts = useWholeList('listCspAccounts', { vaultId });
  const update = useAct('updateKeySet');
  const set = (part: Partial<KeySetForm>) => setForm((mine) => ({ ...mine, ...part }));
  // Token and path prefix cannot be sent once there are keys, even as they are.
  const change = changeOf(bodyOf(form), bodyOf(formOf(now ?? before)));
  const fields = { form, set, problem: update.error };
  const said = (of: KeySetForm) => wordsOf(of, groups.data, accounts.data);
  const submit = async () => {
    const params = { vaultId, keySetId: before.id };
    const changed = await update.mutateAsync({ params, body: change, ifMatch: etag });
    flash({ type: 'success', header: t.changed(changed.body.name), inForce: changed.inForce });
  };
  return (
    <ActDialog
      size="large"
      title={t.editTitle(before.name)}
      submitLabel={parts.save}
      command={commands.keySetEdit(before.name, changeOf(said(form), said(formOf(now ?? before))))}
      onClose={onClose}
      onSubmit={submit}
      disabled={form.name === '' || form.token === '' || Object.keys(change).length === 0}
      told={toldByKeySetFields}
      {...whenChanged}
    >
      <DetailsFields {...fields} />
      <TokenFields {...fields} />
      <AccountFields {...fields} />
      <ForAwsField {...fields} />
      <ScheduleFields {...fields} />
    </ActDialog>
  );
}
