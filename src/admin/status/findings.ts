import { onEach, onToken, type FindingOn } from './affected.ts';
import type { TroubleFound, VaultTrouble } from './troubles.ts';
import { credentialDays, vaultTroubles, warningDays } from './troubles.ts';
import type { AdminServices, DiskFacts, MemberFacts, NodeFacts } from '../services.ts';
import { counted } from '../../counted.ts';
import { remediationOfOwnKeys } from '../../token/own-keys.ts';
import { healthOnNode } from '../token-members.ts';

/** What is wrong with the appliance itself. */
export const applianceTroubles = [
  'STORE_UNWRITABLE',
  'STORE_WENT_BACK',
  'STORE_NOT_DURABLE',
  'TOKEN_DOWN',
  'TOKEN_DEGRADED',
  'PIN_REFUSED',
  'TOKEN_OWN_KEY_UNFIT',
  'TOKEN_IVS_MAY_REPEAT',
  'CERTIFICATE_EXPIRED',
  'CERTIFICATE_ENDS',
  'CERTIFICATE_NOT_TAKEN',
  'DISK_NEARLY_FULL',
  'LEASE_ENDED',
  'NODE_DOWN',
  'NODE_DRAINED',
  'CLOCK_OFF',
  'HISTORY_NOT_KEPT',
  'SUPERVISOR_SILENT',
  'QUOTA_NEAR',
  'RECONCILIATION_FINDINGS',
  'HSM_NOT_ASKED',
] as const;
/** Whatever may need attention. */
export const allTroubles = [...applianceTroubles, ...vaultTroubles] as const;

export type Trouble = (typeof applianceTroubles)[number] | VaultTrouble;

/** Something that needs attention: what, where, and the command that mends it or shows more. */
export interface StatusFinding {
  trouble: Trouble;
  /** The token, vault, node or file. */
  where: string;
  /** In one sentence. */
  message: string;
  remediation: string;
  /** The command in the remediation that mends it or shows more, as it is typed; none where it needs more than that. */
  command?: string | undefined;
  on: FindingOn;
  /** How many more it is on than `on` tells. */
  onMore?: number;
  /** What it is about, each with whatever would make it another matter; none where that is not known, or too many to have been seen. */
  things?: readonly string[] | undefined;
}

const day = 86_400_000;
/** A disk with less than this left, and less than a tenth of it, is nearly full. */
const littleSpace = 1024 ** 3;

/** A token as this process and its supervisor know it. */
export interface TokenStatus {
  name: string;
  health: 'ACTIVE' | 'DEGRADED' | 'UNAVAILABLE';
  hosts: number | null;
  hostsUp: number | null;
  pinRefused: boolean;
}

/** `facts` of the supervisor of this node, where it has told. `known` is what the management process sees itself. */
export function tokenStatus(
  name: string,
  known: TokenStatus['health'],
  facts: NodeFacts | undefined,
): TokenStatus {
  const of = facts?.tokens.find((token) => token.name === name);
  const up = of?.up ?? null;
  const pinRefused = of?.pinRefused ?? false;
  return { name, health: healthOnNode(known, of), hosts: of?.hosts ?? null, hostsUp: up, pinRefused };
}

/** Of those of these names that there are. */
export function tokenStatuses(
  { tokens }: Pick<AdminServices, 'tokens'>,
  names: readonly string[],
  facts: NodeFacts | undefined,
): TokenStatus[] {
  return names
    .filter((name) => tokens.has(name))
    .map((name) => tokenStatus(name, tokens.pool(name).health, facts));
}

/** `own` says whether the reader runs the appliance. */
export function tokenFindings(
  tokens: readonly TokenStatus[],
  facts: NodeFacts | undefined,
  own: boolean,
): StatusFinding[] {
  return tokens.flatMap((token) => {
    const known = facts?.tokens.find(({ name }) => name === token.name);
    return [...availability(token, known, own), ...ownKeyFindings(token.name, known?.ownKeys ?? [], own)];
  });
}

const ask = 'tell an administrator of the appliance';

function ownKeyFindings(name: string, wrong: readonly string[], own: boolean): StatusFinding[] {
  return wrong.map((alarm) => ({
    trouble: 'TOKEN_OWN_KEY_UNFIT',
    where: name,
    on: onToken(name),
    message: `token ${name}: ${alarm}; nothing is done with it`,
    remediation: own ? remediationOfOwnKeys : ask,
  }));
}

type Facts = NodeFacts['tokens'][number];

function availability(token: TokenStatus, known: Facts | undefined, own: boolean): StatusFinding[] {
  const pins = token.pinRefused ? [pinFinding(token.name, known, own)] : [];
  const isAllTold = groupOf(known).every(({ pinRefused, hosts, up }) => pinRefused || up >= hosts);
  return token.pinRefused && isAllTold ? pins : [...pins, ...healthFindings(token, known, own)];
}

/** The members of an HSM group; none where the token is one HSM. */
function groupOf(known: Facts | undefined): MemberFacts[] {
  return known === undefined || known.members.length < 2 ? [] : known.members;
}

function pinFinding(name: string, known: Facts | undefined, own: boolean): StatusFinding {
  const group = groupOf(known);
  const refused = group.filter(({ pinRefused }) => pinRefused);
  const isWhole = refused.length === group.length;
  const who = isWhole ? `token ${name}` : `token ${name}: ${refused.map(inWords).join(' and ')}`;
  const [has, its] = !isWhole && refused.length > 1 ? ['have', 'their PINs'] : ['has', 'its PIN'];
  const where = isWhole ? '' : ' (pin of its [[token.member]], or of the token where they share one)';
  return {
    ...{ trouble: 'PIN_REFUSED', where: name, on: onToken(name) },
    message: `${who} ${has} refused ${its}; it is not tried again, since tokens lock themselves`,
    remediation: own
      ? `put the right PIN in place${where}, then: sudo systemctl ${known?.newPinBy ?? 'restart'} holdfast`
      : ask,
  };
}

function healthFindings(
  { name, health, hosts, hostsUp }: TokenStatus,
  known: Facts | undefined,
  own: boolean,
): StatusFinding[] {
  if (health === 'ACTIVE') return [];
  // What was said last may be of a member that has refused its PIN, which is another finding.
  const short = groupOf(known).filter((member) => member.up < member.hosts && !member.pinRefused);
  const why =
    short.length === 0
      ? because(known?.problem, own)
      : short.map((member) => `, ${upOf(member)}${because(member.failure?.problem, own)}`).join('');
  const some =
    hosts === null || hostsUp === hosts
      ? `token ${name} answers only in part`
      : `token ${name}: ${String(hostsUp)} of ${hosts} token hosts serve`;
  const command = own ? `holdfast token verify ${name}` : undefined;
  const about = { where: name, on: onToken(name), remediation: command ?? ask, command };
  return health === 'UNAVAILABLE'
    ? [
        {
          ...{ trouble: 'TOKEN_DOWN', ...about },
          message: `token ${name} does not answer: no key in it can be used${why}`,
        },
      ]
    : [{ ...{ trouble: 'TOKEN_DEGRADED', ...about }, message: `${some}${why}` }];
}

/** Only who runs the appliance is told what its HSMs say. */
function because(problem: string | undefined, own: boolean): string {
  return own && problem !== undefined ? `: ${problem}` : '';
}

function upOf(member: MemberFacts): string {
  const { up, hosts } = member;
  return `${up === 0 ? 'none' : `${up} of ${hosts}`} of ${inWords(member)}`;
}

function inWords({ name, serial }: MemberFacts): string {
  return `member ${name}${serial === undefined ? '' : ` (serial ${serial})`}`;
}

/** Of a store that refuses every act, a kill switch too. */
export function storeFindings(why: { message: string; remediation: string } | undefined): StatusFinding[] {
  if (why === undefined) return [];
  return [
    {
      trouble: 'STORE_UNWRITABLE',
      where: 'store',
      on: 'appliance',
      message: `nothing is changed any more, no key disabled and no one signed in: ${why.message}`,
      remediation: why.remediation,
    },
  ];
}

/** Until somebody has decided, all that was taken away stays so and nothing else is changed. */
export function lossFindings({ lost, refused }: { lost: number; refused: number }): StatusFinding[] {
  if (lost === 0) return [];
  return [
    {
      trouble: 'STORE_WENT_BACK',
      where: 'store',
      on: 'appliance',
      message: `the store has gone back in time: ${counted(lost, 'change')} lost, ${refused} of which took something away; that stays so, and nothing else is changed`,
      command: 'holdfast lost-change list',
      remediation: 'holdfast lost-change list, then apply or leave them: docs/fleet.md',
    },
  ];
}

/** What is acknowledged may be forgotten, a disable too. */
export function durabilityFindings(problems: readonly string[] = []): StatusFinding[] {
  return problems.map((problem) => ({
    trouble: 'STORE_NOT_DURABLE' as const,
    where: 'store',
    on: 'appliance' as const,
    message: problem,
    remediation: 'set the database server so, or tell what it is for true in store.durability: docs/fleet.md',
  }));
}

/** `on` is the node that the facts are of. */
export function certificateFindings(facts: NodeFacts | undefined, now: Date, on: FindingOn): StatusFinding[] {
  const findings: StatusFinding[] = [];
  for (const { listeners, expiresAt, refused } of facts?.certificates ?? []) {
    const left = Date.parse(expiresAt) - now.getTime();
    const where = listeners
      .map((listener) => (listener === 'xks' ? 'XKS proxy' : 'management API'))
      .join(', ');
    const remediation =
      'put a new certificate in place; it is taken up automatically (holdfast serve --check tries it)';
    if (left <= 0)
      findings.push({
        trouble: 'CERTIFICATE_EXPIRED',
        where,
        on,
        message: `the TLS certificate of ${where} expired at ${expiresAt}: no client takes it`,
        remediation,
      });
    else if (left < warningDays * day)
      findings.push({
        trouble: 'CERTIFICATE_ENDS',
        where,
        on,
        message: `the TLS certificate of ${where} ends in ${counted(Math.floor(left / day), 'day')}, at ${expiresAt}`,
        remediation,
      });
    if (refused !== undefined)
      findings.push({
        trouble: 'CERTIFICATE_NOT_TAKEN',
        where,
        on,
        message: `the TLS files that are in place for ${where} cannot be used: ${refused}`,
        remediation: 'holdfast serve --check says why; the ones before are served meanwhile',
      });
  }
  return findings;
}

function isDiskNearlyFull({ free, total, reserve, wholeReserve }: DiskFacts): boolean {
  return (free < littleSpace && free < total / 10) || reserve < wholeReserve;
}

/** `on` is the node that has the disk. */
export function diskFindings(disk: DiskFacts | undefined, on: FindingOn): StatusFinding[] {
  if (disk === undefined || !isDiskNearlyFull(disk)) return [];
  const reserve =
    disk.reserve < disk.wholeReserve
      ? '; the space kept for disable and freeze is in use or could not be set aside'
      : '';
  return [
    {
      ...{ trouble: 'DISK_NEARLY_FULL', where: 'store', on },
      message: `the disk of the store has ${Math.floor(disk.free / 1024 ** 2)} MiB left${reserve}`,
      remediation: 'make room on it: df -h, journalctl --disk-usage',
    },
  ];
}

/** In words, with what mends it. */
export function vaultFinding(
  { trouble, vaultId, vaultName, moreVaults, count, names, things, on, onMore }: TroubleFound,
  own: boolean,
): StatusFinding {
  if (moreVaults !== undefined)
    return {
      ...{ trouble, where: 'more vaults', on: 'appliance' },
      message: `${trouble} in ${counted(moreVaults, 'more vault')}; they are listed once fewer vaults have it`,
      remediation: 'for the administrators of the vaults: holdfast status',
    };
  const more = count > names.length && names.length > 0 ? `, and ${count - names.length} more` : '';
  const which = names.length === 0 ? '' : `: ${names.join(', ')}${more}`;
  const [message, command, remediation = command] = words[trouble](count, which, names[0] ?? 'NAME');
  return {
    trouble,
    where: vaultName,
    // Of what is inside a vault the appliance's users see no name.
    on: onEach(on, { kind: 'vault', id: vaultId, name: vaultName }),
    onMore,
    message: own ? message : `vault ${vaultName}: ${message}`,
    things,
    command: own ? command : undefined,
    // Who froze it may be the appliance itself.
    remediation:
      own || trouble === 'VAULT_FROZEN' ? remediation : 'for an administrator of the vault: holdfast status',
  };
}

/** What is wrong, the command that mends it or shows more, and what is to be said of that where it is not all. */
type Words = [message: string, command: string, remediation?: string];

const words: Readonly<Record<VaultTrouble, (count: number, which: string, first: string) => Words>> = {
  VAULT_FROZEN: () => [
    'the vault is frozen: no key of it can be used',
    'holdfast vault show',
    'holdfast vault show tells by whom; holdfast vault thaw ends it',
  ],
  KEY_SET_FROZEN: (n, which, first) => [
    `${counted(n, 'key set')} frozen${which}`,
    `holdfast key-set thaw ${first}`,
    `when it is over: holdfast key-set thaw ${first}`,
  ],
  KEY_PROOF_FAILED: (n, which) => [
    `${counted(n, 'key version')} whose key object in the token is not the one on record${which}`,
    'holdfast reconcile run',
    'holdfast reconcile run, then reconcile show; restore the token from its backup',
  ],
  ENCRYPTION_LIMIT_NEAR: (n, which, first) => [
    `${counted(n, 'key')} past 2³¹ encryptions and not rotated; refused at 2³²${which}`,
    `holdfast cloud-key rotate ${first}`,
  ],
  ROTATION_OVERDUE: (n, which, first) => [
    `${counted(n, 'key')} not rotated though due for more than a day${which}`,
    `holdfast cloud-key rotate ${first}`,
    `holdfast cloud-key rotate ${first} says why`,
  ],
  KEY_STORE_NOT_CONNECTED: (n, which, first) => [
    `${counted(n, 'external key store')} not connected: AWS uses no key of it${which}`,
    `holdfast external-key-store connect ${first}`,
    `holdfast external-key-store connect ${first}, or show for why`,
  ],
  KMS_KEY_DRIFT: (n, which, first) => [
    `${counted(n, 'KMS key')} in AWS not as on record here${which}`,
    `holdfast kms-key show ${first}`,
  ],
  KMS_KEY_FAILED: (n, which, first) => [
    `${counted(n, 'KMS key')} whose last step in AWS failed${which}`,
    `holdfast kms-key retry ${first}`,
    `holdfast kms-key list; holdfast kms-key retry ${first}`,
  ],
  CREDENTIAL_OLD: (n, which, first) => [
    `${counted(n, 'XKS credential')} older than ${credentialDays} days${which}`,
    `holdfast credential rotate ${first}`,
  ],
  CREDENTIAL_ENDS: (n, which, first) => [
    `${counted(n, 'XKS credential')} ending within ${warningDays} days without a successor${which}`,
    `holdfast credential rotate ${first}`,
  ],
};
