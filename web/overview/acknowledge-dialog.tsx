import { useState } from 'react';
import Box from '@cloudscape-design/components/box';
import { fieldProblem } from '../api/problem.ts';
import { useAct } from '../api/queries.ts';
import { useFlash } from '../frame/flash.tsx';
import { sentence } from '../frame/problem-alert.tsx';
import type { Finding } from '../frame/status-strip.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { SelectField, TextField } from '../parts/fields.tsx';
import { useSession } from '../session/session.tsx';
import { commands } from '../texts/commands.ts';
import { overview as t } from '../texts/overview.ts';

interface Props {
  /** As it was when the dialog was opened: what has changed since is refused. */
  finding: Finding;
  onClose: () => void;
}

const day = 86_400_000;

/** Puts on record that somebody has seen and judged it. */
export function AcknowledgeDialog({ finding, onClose }: Props) {
  const { trouble, where, message, fingerprint } = finding;
  const { vaultId } = useSession().user;
  const flash = useFlash();
  const ofAppliance = useAct('acknowledgeFinding');
  const ofVault = useAct('acknowledgeVaultFinding');
  const [note, setNote] = useState('');
  const [until, setUntil] = useState('');
  const problem = ofAppliance.error ?? ofVault.error;
  return (
    <ActDialog
      title={t.acknowledgeTitle(where)}
      submitLabel={t.acknowledge}
      command={commands.findingAcknowledge(trouble, where, note, until)}
      disabled={note.trim() === ''}
      told={['/note']}
      onClose={onClose}
      onSubmit={async () => {
        const body = { fingerprint: fingerprint ?? '', note, until: endOf(until) };
        if (vaultId === null) await ofAppliance.mutateAsync({ body });
        else await ofVault.mutateAsync({ params: { vaultId }, body });
        flash({ type: 'success', header: t.acknowledgedDone });
      }}
    >
      <Box>{sentence(message)}</Box>
      <Box color="text-body-secondary">{t.acknowledgeWhy}</Box>
      <TextField
        label={t.note}
        description={t.noteWhy}
        rows={2}
        value={note}
        onText={setNote}
        error={fieldProblem(problem, '/note')}
        autoFocus
      />
      <SelectField
        label={t.howLong}
        value={until}
        onValue={setUntil}
        options={Object.entries(t.howLongs).map(([value, label]) => ({ value, label }))}
      />
    </ActDialog>
  );
}

/** The node compares it with its own clock. */
function endOf(days: string): string | null {
  return days === '' ? null : new Date(Date.now() + Number.parseInt(days, 10) * day).toISOString();
}

export function WithdrawDialog({ finding, onClose }: Props) {
  const { trouble, where, message, fingerprint } = finding;
  const { vaultId } = useSession().user;
  const flash = useFlash();
  const ofAppliance = useAct('withdrawAcknowledgement');
  const ofVault = useAct('withdrawVaultAcknowledgement');
  return (
    <ActDialog
      title={t.withdrawTitle}
      submitLabel={t.withdraw}
      command={commands.findingWithdraw(trouble, where)}
      onClose={onClose}
      onSubmit={async () => {
        const body = { fingerprint: fingerprint ?? '' };
        if (vaultId === null) await ofAppliance.mutateAsync({ body });
        else await ofVault.mutateAsync({ params: { vaultId }, body });
        flash({ type: 'success', header: t.withdrawnDone });
      }}
    >
      <Box>{sentence(message)}</Box>
      <Box color="text-body-secondary">{t.withdrawWhy}</Box>
    </ActDialog>
  );
}
