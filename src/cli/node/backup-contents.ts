import { counted } from '../../counted.ts';
import type { BackupManifest } from '../../store/backup/format.ts';

/** What a backup holds, in words. */
export function contentsOf({ rows }: BackupManifest): string {
  const of = (table: string) => rows[table] ?? 0;
  return [
    counted(of('vaults'), 'vault'),
    counted(of('key_sets'), 'key set'),
    counted(of('cloud_keys'), 'CloudKey'),
    counted(of('users'), 'person', 'people'),
    counted(of('audit_events'), 'audit event'),
  ].join(', ');
}
