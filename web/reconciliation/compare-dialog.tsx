import Box from '@cloudscape-design/components/box';
import { useIdempotencyKeys } from '../api/queries.ts';
import { useFlash } from '../frame/flash.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { commands } from '../texts/commands.ts';
import { reconciliation as t } from '../texts/reconciliation.ts';
import { useCompare, type Report } from './reports.ts';

/** Has records and tokens compared. Sent again because its answer was lost, it answers the report of the first time. */
export function CompareDialog({
  onClose,
  onDone,
}: {
  onClose: () => void;
  onDone: (report: Report) => void;
}) {
  const flash = useFlash();
  const { compare } = useCompare();
  const keyOf = useIdempotencyKeys();
  return (
    <ActDialog
      title={t.run}
      submitLabel={t.runNow}
      command={commands.reconcileRun()}
      onClose={onClose}
      onSubmit={async () => {
        const report = await compare(keyOf({}));
        flash({
          type: report.clean ? 'success' : 'warning',
          header: report.clean ? t.ranClean : t.ranNotClean,
        });
        onDone(report);
      }}
    >
      <Box>{t.runWhy}</Box>
    </ActDialog>
  );
}
