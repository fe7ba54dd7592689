import { useState } from 'react';
import Box from '@cloudscape-design/components/box';
import { useQueryClient } from '@tanstack/react-query';
import { call } from '../api/client.ts';
import { useFlash } from '../frame/flash.tsx';
import { ProblemAlert } from '../frame/problem-alert.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { useVaultId } from '../session/session.tsx';
import { commands } from '../texts/commands.ts';
import { keys as t } from '../texts/keys.ts';
import { SideField, type Side } from './side.tsx';
import type { CloudKey } from './use.ts';

/** Disables or enables each of several CloudKeys, one after another; the first that cannot be ends it. */
export function BulkDialog({
  act,
  keys,
  onClose,
}: {
  act: 'disable' | 'enable';
  keys: readonly CloudKey[];
  onClose: () => void;
}) {
  const vaultId = useVaultId();
  const flash = useFlash();
  const client = useQueryClient();
  const [side, setSide] = useState<Side>('ours');
  const [chosen] = useState(keys);
  const isDisable = act === 'disable';
  return (
    <ActDialog
      title={isDisable ? t.bulkDisable(chosen.length) : t.bulkEnable(chosen.length)}
      submitLabel={isDisable ? t.disable : t.enable}
      command={chosen
        .map(({ name, keySetName }) => commands.cloudKeyAct(act, name, keySetName, side === 'both'))
        .join('\n')}
      onClose={onClose}
      onSubmit={async () => {
        let done = 0;
        try {
          for (const { id } of chosen) {
            // Whatever it is now, it is to be so afterwards.
            const common = { params: { vaultId, cloudKeyId: id }, body: { cloud: side }, ifMatch: '*' };
            await (isDisable ? call('disableCloudKey', common) : call('enableCloudKey', common));
            done += 1;
          }
          flash({ type: 'success', header: t.some(done, chosen.length) });
        } catch (problem) {
          flash({
            type: 'error',
            header: t.some(done, chosen.length),
            content: <ProblemAlert problem={problem} />,
          });
        } finally {
          await client.invalidateQueries();
        }
      }}
    >
      <Box>{isDisable ? t.disableWhy : t.enableWhy}</Box>
      <ul className="plain-list">
        {chosen.map(({ id, name, keySetName }) => (
          <li key={id}>
            {name} ({keySetName})
          </li>
        ))}
      </ul>
      <SideField side={side} onSide={setSide} />
    </ActDialog>
  );
}
