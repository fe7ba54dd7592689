import type { LostChange } from '../store/lost-changes.ts';
import { nameOfChange, parseTaken, type Taken } from '../store/taken.ts';
import { toTime, type CloudKey, type OwnKeySet, type ServedVault } from './served-records.ts';
import type { CredentialRecord } from './served-reading.ts';

/** In front of what the store says. */
const severity: Readonly<Record<CloudKey['state'], number>> = {
  AVAILABLE: 0,
  DISABLED: 1,
  EXPIRED: 2,
  PENDING_DELETION: 3,
};

/**
 * What the store has lost and was taken away in it: it is refused as it was when it stood there, whatever the store says of it now. It gives
 * nothing: a record is as the store has it, or less.
 */
export class LostRecords {
  readonly #taken = new Map<string, Taken[]>();

  constructor(changes: readonly LostChange[] = []) {
    for (const change of changes) {
      const name = nameOfChange(change);
      const taken = parseTaken(change.taken);
      // Of one of an older version nobody knows: it may have been everything.
      const least: Taken = taken === 'unknown' ? { refused: 'DISABLED' } : taken;
      this.#taken.set(name, [...(this.#taken.get(name) ?? []), least]);
    }
  }

  vault(id: string, vault: ServedVault | undefined): ServedVault | undefined {
    const taken = this.#of('vault', id);
    if (vault === undefined || taken.length === 0) return vault;
    if (taken.some(({ refused }) => refused === 'DELETED')) return undefined;
    return isRefused(taken) ? { ...vault, frozen: true } : vault;
  }

  keySet(id: string, keySet: OwnKeySet): OwnKeySet | undefined {
    const taken = this.#of('key-set', id);
    if (taken.some(({ refused }) => refused === 'DELETED' || refused === 'NO_KEY_STORE')) return undefined;
    return isRefused(taken) ? { ...keySet, frozen: true } : keySet;
  }

  credential(record: CredentialRecord): CredentialRecord | undefined {
    const taken = this.#of('credential', record.accessKeyId);
    if (taken.length === 0) return record;
    if (isRefused(taken)) return undefined;
    return { ...record, expiresAt: Math.min(record.expiresAt, ...taken.map(expiryOf)) };
  }

  cloudKey(key: CloudKey): CloudKey | undefined {
    const taken = this.#of('cloud-key', key.externalKeyId);
    if (taken.length === 0) return key;
    if (taken.some(({ refused }) => refused === 'DELETED')) return undefined;
    const state = taken
      .map(stateOf)
      .reduce((worst, one) => (severity[one] > severity[worst] ? one : worst), key.state);
    const isWithout = (usage: 'ENCRYPT' | 'DECRYPT') =>
      taken.some(({ without }) => without?.includes(usage) === true);
    return {
      ...key,
      state,
      expiresAt: Math.min(key.expiresAt, ...taken.map(expiryOf)),
      canEncrypt: key.canEncrypt && !isWithout('ENCRYPT'),
      canDecrypt: key.canDecrypt && !isWithout('DECRYPT'),
    };
  }

  #of(kind: LostChange['kind'], name: string): readonly Taken[] {
    // As a rule nothing is lost, and each request comes by here.
    if (this.#taken.size === 0) return [];
    return this.#taken.get(nameOfChange({ kind, name })) ?? [];
  }
}

function isRefused(taken: readonly Taken[]): boolean {
  return taken.some(({ refused }) => refused !== undefined);
}

function expiryOf({ expiresAt }: Taken): number {
  return toTime(expiresAt ?? null);
}

function stateOf({ refused }: Taken): CloudKey['state'] {
  if (refused === undefined) return 'AVAILABLE';
  return refused === 'EXPIRED' || refused === 'PENDING_DELETION' ? refused : 'DISABLED';
}
