import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { reconciliation as t } from '../texts/reconciliation.ts';
import type { Report } from './reports.ts';

/** Whether somebody has to look at something of it. */
export function Result({ of: { clean } }: { of: Report }) {
  return (
    <StatusIndicator type={clean ? 'success' : 'warning'}>{clean ? t.clean : t.notClean}</StatusIndicator>
  );
}
