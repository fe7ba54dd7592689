import type { Orphans } from './reconcile-orphans.ts';
import { isGone, keyPages, versionPages, type Comparing } from './reconcile-records.ts';
import { destroyAgain } from './reconcile-versions.ts';

/**
 * The key objects of members but the first, which was gone through: those that are on no record, and those of versions that were
 * destroyed. Throws TokenError.
 */
export async function compareOtherMembers(comparing: Comparing, orphans: Orphans): Promise<void> {
  const { context, token, vaultId, members } = comparing;
  const pool = context.tokens.pool(token);
  for (const member of members.slice(1)) {
    let after: Uint8Array = Buffer.alloc(0);
    for await (const keys of keyPages(pool, member)) {
      const objects = new Map(keys.map((key) => [Buffer.from(key.id).toString('hex'), key]));
      const last = keys.at(-1)?.id;
      for await (const rows of versionPages(comparing, after, last))
        for (const row of rows) {
          const isThere = objects.delete(row.objectId.toString('hex'));
          if (row.token !== token || (vaultId !== undefined && row.vaultId !== vaultId)) continue;
          if (isThere && row.state === 'DESTROYED' && !(await isGone(comparing, row.objectId, member)))
            await destroyAgain(comparing, row);
        }
      for (const [id, object] of objects)
        if (await isGone(comparing, object.id, members[0])) await orphans.settle(id, object, member);
      after = last ?? after;
    }
  }
}
