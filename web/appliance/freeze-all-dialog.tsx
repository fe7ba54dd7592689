import { useState } from 'react';
import Alert from '@cloudscape-design/components/alert';
import { fieldProblem } from '../api/problem.ts';
import { useAct } from '../api/queries.ts';
import { useFlash } from '../frame/flash.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { TextField } from '../parts/fields.tsx';
import { commands } from '../texts/commands.ts';
import { freezes as t } from '../texts/freezes.ts';
import { people } from '../texts/people.ts';

/** The emergency stop: every key of every vault, at once. Who presses it cannot take it back. */
export function FreezeAllDialog({ onClose }: { onClose: () => void }) {
  const flash = useFlash();
  const [reason, setReason] = useState('');
  const freeze = useAct('freezeAllVaults');
  return (
    <ActDialog
      title={t.freezeAll}
      submitLabel={t.freezeAll}
      command={commands.vaultFreezeAll(reason)}
      typed={t.freezeAllTyped}
      told={['/reason']}
      onClose={onClose}
      onSubmit={async () => {
        const { body, inForce } = await freeze.mutateAsync({ body: reason === '' ? {} : { reason } });
        flash({ type: 'success', header: t.allFrozen(body.frozen, body.frozenBefore), inForce });
      }}
    >
      <Alert type="warning">{t.freezeAllWhy}</Alert>
      <TextField
        label={people.reason}
        description={people.reasonWhy}
        optional
        value={reason}
        onText={setReason}
        error={fieldProblem(freeze.error, '/reason')}
      />
    </ActDialog>
  );
}
