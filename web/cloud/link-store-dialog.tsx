import { useState } from 'react';
import Box from '@cloudscape-design/components/box';
import FormField from '@cloudscape-design/components/form-field';
import RadioGroup from '@cloudscape-design/components/radio-group';
import Spinner from '@cloudscape-design/components/spinner';
import { useAct, useIdempotencyKeys, useWholeList } from '../api/queries.ts';
import { useFlash } from '../frame/flash.tsx';
import { ProblemAlert } from '../frame/problem-alert.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { stateWord } from '../parts/state.tsx';
import { useVaultId } from '../session/session.tsx';
import { stores as t } from '../texts/cloud.ts';
import { commands } from '../texts/commands.ts';
import { parts } from '../texts/parts.ts';
import { useKeySetRegion } from './use-key-set-region.tsx';

interface Props {
  onClose: () => void;
  onLinked: (keySetId: string, id: string) => void;
}

/** Finds external key stores that were created in AWS, and takes one over. */
export function LinkStoreDialog({ onClose, onLinked }: Props) {
  const vaultId = useVaultId();
  const flash = useFlash();
  const where = useKeySetRegion();
  const { keySetId, region } = where;
  const [chosen, setChosen] = useState('');
  const found = useWholeList(
    'listExternalKeyStoreCandidates',
    { vaultId, keySetId },
    { query: { region }, enabled: where.isWhole, every: false },
  );
  const link = useAct('linkExternalKeyStore');
  const keyOf = useIdempotencyKeys();
  const candidates = found.data ?? [];
  const candidate = candidates.find(({ customKeyStoreId }) => customKeyStoreId === chosen);
  return (
    <ActDialog
      title={t.linkTitle}
      submitLabel={t.linkSubmit}
      size="large"
      command={commands.storeLink(where.keySetName, region, candidate?.customKeyStoreId ?? 'ID')}
      disabled={candidate?.fits !== true}
      onClose={onClose}
      onSubmit={async () => {
        const body = { region, customKeyStoreId: chosen };
        const { body: store } = await link.mutateAsync({
          params: { vaultId, keySetId },
          body,
          idempotencyKey: keyOf([keySetId, body]),
        });
        flash({ type: 'success', header: t.linked(store.name) });
        onLinked(keySetId, store.id);
      }}
    >
      <Box>{t.linkWhy}</Box>
      {where.fields}
      {found.error !== null && <ProblemAlert problem={found.error} />}
      {found.isFetching && (
        <Box>
          <Spinner /> {parts.loading}
        </Box>
      )}
      {found.data !== undefined && candidates.length === 0 && <Box>{t.noCandidates}</Box>}
      {candidates.length > 0 && (
        <FormField label={t.candidates}>
          <RadioGroup
            value={chosen}
            onChange={({ detail }) => setChosen(detail.value)}
            items={candidates.map(({ customKeyStoreId, name, state, uriPath, fits, linkedAs }) => ({
              value: customKeyStoreId,
              label: `${name} (${stateWord(state)})`,
              description: `${customKeyStoreId}, ${uriPath}: ${
                linkedAs !== null ? t.linkedAlready : fits ? t.fits : t.fitsNot
              }`,
              disabled: !fits || linkedAs !== null,
            }))}
          />
        </FormField>
      )}
    </ActDialog>
  );
}
