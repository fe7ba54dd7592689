import type { Role } from '../store/schema.ts';
import type { Reading } from '../vault/edits.ts';
import type { Sight } from '../vault/context.ts';

/** Cloud admins see what belongs to their admin groups, everyone else all of their vault. */
export async function sightOf(db: Reading, user: { id: string; role: Role }): Promise<Sight> {
  if (user.role !== 'cloud-admin') return 'all';
  const groups = await db
    .selectFrom('admin_group_members')
    .select('group_id')
    .where('user_id', '=', user.id)
    .execute();
  return groups.map(({ group_id }) => group_id);
}
