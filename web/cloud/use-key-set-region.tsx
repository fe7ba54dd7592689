import { useState } from 'react';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useRecord, useWholeList } from '../api/queries.ts';
import { SelectField, TextField } from '../parts/fields.tsx';
import { useVaultId } from '../session/session.tsx';
import { stores as t } from '../texts/cloud.ts';

/** A key set that has a CSP account, and one of its Regions: where in AWS something is looked for. */
export function useKeySetRegion() {
  const vaultId = useVaultId();
  const [keySetId, setKeySetId] = useState('');
  const [typed, setTyped] = useState<string | undefined>();
  const keySets = useWholeList('listKeySets', { vaultId }, { query: { sort: 'name' } });
  const usable = (keySets.data ?? []).filter(({ cspAccountId }) => cspAccountId !== null);
  const keySet = usable.find(({ id }) => id === keySetId);
  const account = useRecord(
    'getCspAccount',
    { vaultId, cspAccountId: keySet?.cspAccountId ?? '' },
    { enabled: keySet !== undefined, every: false },
  );
  const region = typed ?? account.data?.body.defaultRegion ?? '';
  const fields = (
    <SpaceBetween size="m">
      <SelectField
        label={t.keySet}
        value={keySetId}
        onValue={setKeySetId}
        options={usable.map(({ id, name, description }) => ({ value: id, label: name, description }))}
        isLoading={keySets.isPending}
      />
      <TextField label={t.region} value={region} onText={setTyped} placeholder="eu-central-1" mono />
    </SpaceBetween>
  );
  const isWhole = keySetId !== '' && /^\S+$/.test(region);
  return { fields, keySetId, keySetName: keySet?.name ?? 'KEY-SET', region, isWhole };
}
