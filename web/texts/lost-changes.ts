import type { Schemas } from '../../src/cli/client/api-types.ts';

type LostChange = Schemas['LostChange'];

const changesOf = (n: number) => (n === 1 ? '1 lost change' : `${n} lost changes`);

/* What the store has lost by going back in time, and what is decided about it. */
export const lostChanges = {
  title: 'Lost changes',
  why: 'What the database has forgotten by going back in time, as the nodes remember it. What was refused by then stays refused; until every one is decided, keys can be taken away and nothing else can be changed.',
  none: 'Nothing is to be decided',
  noneWhy: 'The database has lost nothing that a node remembers, or all of it has been decided.',
  decidedToo: 'Show those that are decided too',
  what: 'What',
  kinds: {
    vault: 'Vault',
    'key-set': 'Key set',
    'path-prefixes': 'URI path prefixes',
    'cloud-key': 'CloudKey',
    credential: 'XKS credential',
    everything: 'Too much to be named',
    nothing: 'Nothing that AWS is served by',
  } satisfies Record<LostChange['kind'], string>,
  id: 'Id',
  effect: 'After it',
  refused: {
    DISABLED: 'Disabled',
    EXPIRED: 'Expired',
    PENDING_DELETION: 'Pending deletion',
    DELETED: 'Deleted',
    FROZEN: 'Frozen',
    WITHDRAWN: 'Withdrawn',
    NO_KEY_STORE: 'Of no external key store',
    UNKNOWN: 'Refused; a node of an older version does not tell why',
  } satisfies Record<NonNullable<LostChange['refused']>, string>,
  expires: 'Expires',
  without: { ENCRYPT: 'No encryption', DECRYPT: 'No decryption' },
  noEffect: 'Nothing was taken away',
  noticed: 'Noticed',
  node: 'Remembered by',
  revision: 'Lost revision',
  decision: 'Decision',
  decisions: {
    open: 'To be decided',
    applied: 'Taken away again',
    'as-in-store': 'Left as in the database',
  },
  apply: 'Take away again',
  applyTitle: (n: number) => `Take away again what ${changesOf(n)} took away`,
  applyAll: 'Take all away again',
  applyAllTitle: 'Take away again what all lost changes took away',
  applyWhy:
    'CloudKeys are disabled, or given back their earlier expiry or fewer usages; key sets and vaults are frozen; credentials are withdrawn. Nothing is destroyed: a CloudKey that was deleted, or was to be, is disabled.',
  applied: (decided: number, changed: number) =>
    `${changesOf(decided)} decided; ${changed === 1 ? '1 record was' : `${changed} records were`} changed`,
  leave: 'Leave as in the database',
  leaveTitle: (n: number) => `Leave ${changesOf(n)} as in the database`,
  leaveWhy:
    'What was taken away in them can be used again, on every node, as the database has it. Only for what should not have been taken away.',
  leaveTyped: 'usable again',
  left: (decided: number) => `${changesOf(decided)} left as in the database`,
} as const;
