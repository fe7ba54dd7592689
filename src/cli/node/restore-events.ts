import { record, recordEach } from '../../evidence/trail.ts';
import { SqliteStore } from '../../store/sqlite/sqlite.ts';
import type { Restored } from './restored.ts';
import { localAct } from './local-context.ts';

/** So many are named in an event; all are in what the command prints. */
const maxNamed = 50;

/**
 * Puts the restore on record in the store that it makes: for the appliance with both digests and the gap in the trail, for
 * each vault with what it means there.
 */
export async function tellTrailOfRestore(
  storePath: string,
  { manifest, tokens, adjusted, replaced }: Restored,
): Promise<void> {
  const { since, withheld, lost, lastAuditEvent, resumesAt } = adjusted;
  const { sha256, takenAt } = manifest;
  const store = await SqliteStore.open(storePath);
  try {
    const act = localAct('restore');
    const vaults = await store.db
      .selectFrom('vaults')
      .select(['id', 'name'])
      .where('deleted_at', 'is', null)
      .execute();
    await store.write(act, async (trx) => {
      await record(trx, act, {
        action: 'store.restore',
        vaultId: '',
        target: { kind: 'store', id: sha256, name: replaced?.keptAs ?? '' },
        after: {
          backup: { sha256, takenAt, madeBy: manifest.holdfast, node: manifest.node },
          replaced: replaced ?? null,
          trail: { last: manifest.lastAuditEvent, lastOfReplaced: lastAuditEvent ?? null, resumesAt },
          since,
          withheld: withheld.length,
          lost: lost.length,
          missing: tokens
            .flatMap(({ token, missing }) => missing.map((what) => `${token}: ${what}`))
            .slice(0, maxNamed),
        },
      });
      const takenOf = Map.groupBy(withheld, ({ vaultId }) => vaultId);
      const lostOf = Map.groupBy(lost, ({ vaultId }) => vaultId);
      const entries = vaults.map(({ id, name }) => {
        const taken = inWords(takenOf.get(id));
        const gone = inWords(lostOf.get(id));
        return {
          action: 'store.restore',
          vaultId: id,
          target: { kind: 'store', id: sha256, name },
          after: {
            backup: { sha256, takenAt },
            since,
            withheld: taken.slice(0, maxNamed),
            moreWithheld: Math.max(0, taken.length - maxNamed),
            lost: gone.slice(0, maxNamed),
            moreLost: Math.max(0, gone.length - maxNamed),
          },
        };
      });
      await recordEach(trx, act, entries);
    });
  } finally {
    await store.close();
  }
}

function inWords(all: readonly { kind: string; name: string }[] = []): string[] {
  return all.map(({ kind, name }) => `${kind} ${name}`);
}
