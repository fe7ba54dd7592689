import type { Durability } from './settings.ts';

/*
 * What of a server's settings decides whether an acknowledged change can be forgotten (docs/fleet.md). An ordinary role may
 * read all of them.
 */

/** The settings, as {@link durabilityQuery} answers them. */
export interface DurabilityRow {
  fsync: string;
  full_page_writes: string;
  synchronous_standby_names: string;
}

export const durabilityQuery = `SELECT current_setting('fsync') AS fsync,
  current_setting('full_page_writes') AS full_page_writes,
  current_setting('synchronous_standby_names') AS synchronous_standby_names`;

/** What the claim asks for and the server has not; each a sentence for the operator. Nothing where it holds. */
export function durabilityProblems(claimed: Durability, row: DurabilityRow): string[] {
  const problems: string[] = [];
  if (row.fsync !== 'on')
    problems.push('fsync is off: a crash of the machine may take back, or damage, what was acknowledged');
  // Storage that replicates by itself may write no torn pages, as Aurora's.
  if (row.full_page_writes !== 'on' && claimed !== 'storage')
    problems.push('full_page_writes is off: a crash of the machine may damage the database');
  if (claimed === 'synchronous' && row.synchronous_standby_names.trim() === '')
    problems.push(
      'synchronous_standby_names is empty: no standby is waited for, and a fail-over may take back what was acknowledged',
    );
  return problems;
}
