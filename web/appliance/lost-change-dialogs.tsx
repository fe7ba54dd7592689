import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import { useAct, type ItemOf } from '../api/queries.ts';
import { useFlash } from '../frame/flash.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { commands } from '../texts/commands.ts';
import { lostChanges as t } from '../texts/lost-changes.ts';

export type LostChange = ItemOf<'listLostChanges'>;

/** Of what it was; the store may know nothing more of it. */
export function nameOf({ kind, name }: LostChange): string {
  return name === '' ? t.kinds[kind] : `${t.kinds[kind]} ${name}`;
}

/** What it took away, in words. */
export function effectsOf({ refused, expiresAt, without }: LostChange): string[] {
  const effects = [
    ...(refused === null ? [] : [t.refused[refused]]),
    ...without.map((usage) => t.without[usage]),
    ...(expiresAt === null ? [] : [t.expires]),
  ];
  return effects.length === 0 ? [t.noEffect] : effects;
}

interface Props<C> {
  changes: C;
  onClose: () => void;
}

/** Takes away again what was taken away: of these, or of all that are open once it is answered. */
export function ApplyDialog({ changes, onClose }: Props<'all' | readonly LostChange[]>) {
  const flash = useFlash();
  const apply = useAct('applyLostChanges');
  const ids = changes === 'all' ? changes : changes.map(({ id }) => id);
  return (
    <ActDialog
      title={changes === 'all' ? t.applyAllTitle : t.applyTitle(changes.length)}
      submitLabel={t.apply}
      command={commands.lostChangeApply(ids)}
      onClose={onClose}
      onSubmit={async () => {
        const { body, inForce } = await apply.mutateAsync({ body: { lostChanges: ids } });
        flash({ type: 'success', header: t.applied(body.decided, body.changed), inForce });
      }}
    >
      <Box>{t.applyWhy}</Box>
      {changes !== 'all' && <Named changes={changes} />}
    </ActDialog>
  );
}

/** Gives back what was taken away; each is named, as the API wants it. */
export function LeaveDialog({ changes, onClose }: Props<readonly LostChange[]>) {
  const flash = useFlash();
  const leave = useAct('leaveLostChanges');
  const ids = changes.map(({ id }) => id);
  return (
    <ActDialog
      title={t.leaveTitle(changes.length)}
      submitLabel={t.leave}
      command={commands.lostChangeLeave(ids)}
      typed={t.leaveTyped}
      onClose={onClose}
      onSubmit={async () => {
        const { body } = await leave.mutateAsync({ body: { lostChanges: ids } });
        flash({ type: 'success', header: t.left(body.decided) });
      }}
    >
      <Alert type="warning">{t.leaveWhy}</Alert>
      <Named changes={changes} />
    </ActDialog>
  );
}

function Named({ changes }: { changes: readonly LostChange[] }) {
  return (
    <ul className="plain-list">
      {changes.map((change) => (
        <li key={change.id}>
          {nameOf(change)}: {effectsOf(change).join(', ')}
        </li>
      ))}
    </ul>
  );
}
