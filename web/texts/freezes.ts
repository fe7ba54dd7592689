/* Freezes of several things at once. */

const keySetsOf = (n: number) => (n === 1 ? '1 key set' : `${n} key sets`);
const vaultsOf = (n: number) => (n === 1 ? '1 vault' : `${n} vaults`);

export const freezes = {
  freezeSeveral: (n: number) => `Freeze ${keySetsOf(n)}`,
  thawSeveral: (n: number) => `Thaw ${keySetsOf(n)}`,
  freezeSeveralWhy:
    'All of them are frozen, or none. From then on every request for one of their keys is refused, on every node; the keys stay as they are.',
  thawSeveralWhy:
    'All of them are thawed, or none. Each key is as it was before; while the vault itself is frozen, they stay frozen with it.',
  severalFrozen: (all: number, changed: number) =>
    `${keySetsOf(all)} frozen: no request for one of their keys succeeds${before(all, changed)}`,
  severalThawed: (all: number, changed: number) => `${keySetsOf(all)} thawed${before(all, changed)}`,
  withKeys: (name: string, keys: number) => `${name}: ${keys === 1 ? '1 CloudKey' : `${keys} CloudKeys`}`,
  freezeAll: 'Freeze every vault',
  freezeAllTyped: 'freeze',
  freezeAllWhy:
    'For an emergency. From the moment this is answered no request for any key of any vault succeeds, on any node: what is encrypted under them cannot be read. The administrators of each vault thaw it; you cannot.',
  allFrozen: (frozen: number, frozenBefore: number) =>
    `${vaultsOf(frozen)} frozen${frozenBefore === 0 ? '' : `, ${frozenBefore} frozen already`}: no request for any of their keys succeeds`,
} as const;

/** Those that were so already. */
function before(all: number, changed: number): string {
  return all === changed ? '' : ` (${all - changed} already)`;
}
