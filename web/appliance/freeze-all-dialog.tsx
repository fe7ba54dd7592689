import Alert from '@cloudscape-design/components/alert';
import { useAct } from '../api/queries.ts';
import { useFlash } from '../frame/flash.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { commands } from '../texts/commands.ts';
import { freezes as t } from '../texts/freezes.ts';

/** The emergency stop: every key of every vault, at once. Who presses it cannot take it back. */
export function FreezeAllDialog({ onClose }: { onClose: () => void }) {
  const flash = useFlash();
  const freeze = useAct('freezeAllVaults');
  return (
    <ActDialog
      title={t.freezeAll}
      submitLabel={t.freezeAll}
      command={commands.vaultFreezeAll()}
      typed={t.freezeAllTyped}
      asksWhy
      onClose={onClose}
      onSubmit={async (why) => {
        const { body, inForce } = await freeze.mutateAsync({ body: why });
        flash({ type: 'success', header: t.allFrozen(body.frozen, body.frozenBefore), inForce });
      }}
    >
      <Alert type="warning">{t.freezeAllWhy}</Alert>
    </ActDialog>
  );
}
