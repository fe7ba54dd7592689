import { monotonicNow } from '../../clock.ts';
import type { VaultContext } from '../../vault/context.ts';
import { systemAct } from '../../vault/system-act.ts';
import type { AdminServices } from '../services.ts';
import { endAcknowledgements } from './acknowledgements.ts';
import type { Trouble } from './findings.ts';
import { look } from './status.ts';

/** Looks are no closer than this, milliseconds. */
const rest = 10_000;
/** So many vaults have their turn in one look. */
const maxVaults = 20;

/** Ends what was acknowledged and is no more as it was, by schedule. Where nothing is acknowledged it costs one look into an index. */
export class EndedAcknowledgements {
  readonly #services: AdminServices;
  readonly #rest: number;
  #after = '';
  #notBefore = -Infinity;

  constructor(services: AdminServices, restBetween = rest) {
    this.#services = services;
    this.#rest = restBetween;
  }

  /** `acting` may do it only as long as its process holds the lease. Answers how many ended. */
  async look(acting: VaultContext): Promise<number> {
    if (monotonicNow() < this.#notBefore) return 0;
    this.#notBefore = monotonicNow() + this.#rest;
    const { db } = this.#services.store;
    const rows = await db
      .selectFrom('acknowledgements')
      .select('vault_id')
      .distinct()
      .where('vault_id', '>=', this.#after)
      .orderBy('vault_id')
      .limit(maxVaults + 1)
      .execute();
    // The one more is the first of the next look.
    this.#after = rows.at(maxVaults)?.vault_id ?? '';
    let ended = 0;
    for (const { vault_id } of rows.slice(0, maxVaults)) ended += await this.#lookAt(acting, vault_id);
    return ended;
  }

  async #lookAt(acting: VaultContext, vaultId: string): Promise<number> {
    const found = await this.#findingsOf(vaultId);
    // Not looked through yet since this process began.
    const unknown = new Set<Trouble>(found?.kmsKeys.at === null ? ['KMS_KEY_DRIFT', 'KMS_KEY_FAILED'] : []);
    const act = systemAct(acting, 'schedule');
    return endAcknowledgements(acting, act, vaultId, found?.findings ?? [], unknown);
  }

  /** Undefined of a vault that was deleted: nothing of it needs attention. */
  async #findingsOf(vaultId: string) {
    if (vaultId === '') return look(this.#services, 'appliance');
    const living = await this.#services.store.db
      .selectFrom('vaults')
      .select('id')
      .where('id', '=', vaultId)
      .where('deleted_at', 'is', null)
      .executeTakeFirst();
    return living === undefined ? undefined : look(this.#services, { vaultId, sight: 'all' });
  }
}
