import { useState } from 'react';
import Box from '@cloudscape-design/components/box';
import FormField from '@cloudscape-design/components/form-field';
import RadioGroup from '@cloudscape-design/components/radio-group';
import Spinner from '@cloudscape-design/components/spinner';
import { useQuery } from '@tanstack/react-query';
import { call } from '../api/client.ts';
import { useAct, useIdempotencyKeys, type ItemOf } from '../api/queries.ts';
import { useFlash } from '../frame/flash.tsx';
import { ProblemAlert } from '../frame/problem-alert.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { useVaultId } from '../session/session.tsx';
import { kmsKeys as t } from '../texts/cloud.ts';
import { commands } from '../texts/commands.ts';
import { parts } from '../texts/parts.ts';
import { useKeySetRegion } from './use-key-set-region.tsx';

type Unlinked = ItemOf<'listUnlinkedKmsKeys'>;

interface Props {
  onClose: () => void;
  onLinked: (cloudKeyId: string, id: string) => void;
}

/** Finds KMS keys in our key stores that no record is of, and takes one over. */
export function UnlinkedKeysDialog({ onClose, onLinked }: Props) {
  const vaultId = useVaultId();
  const flash = useFlash();
  const where = useKeySetRegion();
  const { keySetId, region } = where;
  const [chosen, setChosen] = useState('');
  const found = useQuery({
    queryKey: ['listUnlinkedKmsKeys', vaultId, keySetId, region],
    queryFn: async ({ signal }) => allUnlinked({ vaultId, keySetId }, region, signal),
    enabled: where.isWhole,
  });
  const link = useAct('createKmsKey');
  const keyOf = useIdempotencyKeys();
  const keys = found.data ?? [];
  const kmsKey = keys.find(({ keyArn }) => keyArn === chosen);
  return (
    <ActDialog
      title={t.unlinkedTitle}
      submitLabel={t.linkSubmit}
      size="large"
      command={
        kmsKey === undefined
          ? commands.kmsKeyUnlinked(where.keySetName, region)
          : commands.kmsKeyLink(kmsKey.cloudKeyName ?? '', where.keySetName, kmsKey.keyArn)
      }
      disabled={kmsKey === undefined || kmsKey.cloudKeyId === null}
      onClose={onClose}
      onSubmit={async () => {
        const cloudKeyId = kmsKey?.cloudKeyId ?? '';
        const body = { keyArn: chosen };
        const made = await link.mutateAsync({
          params: { vaultId, cloudKeyId },
          body,
          idempotencyKey: keyOf([cloudKeyId, body]),
        });
        flash({ type: 'success', header: t.linked(kmsKey?.cloudKeyName ?? '') });
        onLinked(cloudKeyId, made.body.id);
      }}
    >
      <Box>{t.unlinkedWhy}</Box>
      {where.fields}
      {found.error !== null && <ProblemAlert problem={found.error} />}
      {found.isFetching && (
        <Box>
          <Spinner /> {parts.loading}
        </Box>
      )}
      {found.data !== undefined && keys.length === 0 && <Box>{t.noUnlinked}</Box>}
      {keys.length > 0 && (
        <FormField label={t.title}>
          <RadioGroup
            value={chosen}
            onChange={({ detail }) => setChosen(detail.value)}
            items={keys.map(({ keyArn, state, externalKeyId, cloudKeyId, cloudKeyName }) => ({
              value: keyArn,
              label: keyArn,
              description: `${state}: ${cloudKeyName ?? t.noCloudKey(externalKeyId)}`,
              disabled: cloudKeyId === null,
            }))}
          />
        </FormField>
      )}
    </ActDialog>
  );
}

/** AWS is asked page by page, and a page may have none of them. */
async function allUnlinked(
  params: { vaultId: string; keySetId: string },
  region: string,
  signal: AbortSignal,
): Promise<Unlinked[]> {
  const all: Unlinked[] = [];
  let cursor: string | undefined;
  do {
    const query = { region, cursor };
    const { body } = await call('listUnlinkedKmsKeys', { params, query, signal });
    all.push(...body.items);
    cursor = body.next ?? undefined;
  } while (cursor !== undefined);
  return all;
}
