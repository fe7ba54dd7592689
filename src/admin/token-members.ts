import { z } from 'zod';
import { hostStates } from '../metrics/figures.ts';
import type { NodeMetrics } from '../metrics/node-metrics.ts';
import type { RecordedToken } from '../token/own-key-proofs.ts';
import type { TokenClient } from '../vault/tokens.ts';
import { time } from './keys/key-forms.ts';
import type { HostFacts, MemberFacts, NodeFacts } from './services.ts';

export const health = z.enum(['ACTIVE', 'DEGRADED', 'UNAVAILABLE']);
type Health = z.infer<typeof health>;

export const hostState = z.enum(hostStates);

const saysItself =
  'as the token reports it (C_GetTokenInfo); null if it has not answered since this node was started, or if the node’s supervisor does not report it.';

const shownHost = z.strictObject({
  process: z.enum(['xks-worker', 'management']).describe('The process of the node that it serves.'),
  worker: z.int().nullable().describe('Which XKS worker, from 0; null for the management process.'),
  pid: z.int().nullable().describe('Process id; null while it starts.'),
  state: hostState.describe(
    'busy: it has work; sick: it has been silent for too long with its work, and gets nothing new; dead: it is about to be replaced.',
  ),
  provenAt: time
    .nullable()
    .describe('When it passed its self-test, the IV mode included; null while it has not.'),
  check: z
    .strictObject({
      at: time.describe('When it answered.'),
      milliseconds: z.number().describe('What it took in the token host.'),
      ok: z.boolean(),
    })
    .nullable()
    .describe(
      'Its last liveness check, every ten seconds: an encryption and a decryption with the health key. Null if there was none yet, or if its process has not told.',
    ),
});

/** One of the HSMs that hold a token's keys, as this node finds it. */
export const shownMember = z.strictObject({
  name: z.string(),
  health: health.describe('UNAVAILABLE: no token host of this node serves it.'),
  serial: z
    .string()
    .nullable()
    .describe('Serial number of the HSM; null if it has not answered since this node was started.'),
  label: z.string().nullable().describe(`Label, ${saysItself}`),
  manufacturer: z.string().nullable().describe(`Manufacturer, ${saysItself}`),
  model: z.string().nullable().describe(`Model, ${saysItself}`),
  firmware: z.string().nullable().describe(`Version of the firmware, ${saysItself}`),
  slot: z
    .int()
    .nullable()
    .describe(
      'The module’s number of the slot that it is in, which may change from one start to the next; null if it is not known.',
    ),
  onRecord: z
    .boolean()
    .describe('Whether the store has the proof that the HSM of this serial number holds the token’s keys.'),
  since: time
    .nullable()
    .describe(
      'Since when it has been up, or, if UNAVAILABLE, down on this node; null if the node’s supervisor does not report it.',
    ),
  hosts: z
    .array(shownHost)
    .nullable()
    .describe(
      'Its token hosts, of all processes of this node; null if the node’s supervisor does not report them.',
    ),
  pinRefused: z.boolean().describe('It refused its PIN, which is not tried again.'),
  failure: z
    .strictObject({ problem: z.string(), remediation: z.string() })
    .nullable()
    .describe('Why the last of its token hosts that failed to start did so; null if none is failing.'),
});

/** What is known of a token's HSMs beside its pool in this process. */
interface KnownMembers {
  facts: NodeFacts | undefined;
  metrics: NodeMetrics | undefined;
  /** Serial numbers that the store has on record. */
  recorded: Pick<RecordedToken, 'serials'> | undefined;
  now: Date;
}

/** By the token's pool in this process, by what the supervisor and the XKS workers tell, and by what the store has on record. */
export function showMembers(
  pool: TokenClient,
  { facts, metrics, recorded, now }: KnownMembers,
): z.infer<typeof shownMember>[] {
  const known = facts?.tokens.find(({ name }) => name === pool.name)?.members ?? [];
  const told = toldHosts(pool, metrics);
  return pool.members.map((name) => {
    const of: MemberFacts | undefined = known.find((member) => member.name === name);
    const serial = pool.serialOf(name) ?? of?.serial ?? null;
    return {
      name,
      health: healthOnNode(pool.healthOf(name), of),
      serial,
      ...hardwareOf(of),
      onRecord: serial !== null && (recorded?.serials.includes(serial) ?? false),
      since: of?.since ?? null,
      hosts: of?.each.map((host) => showHost(host, told, now)) ?? null,
      pinRefused: of?.pinRefused ?? false,
      failure: of?.failure ?? null,
    };
  });
}

function hardwareOf(of: Pick<MemberFacts, 'info'> | undefined) {
  if (of?.info === undefined)
    return { label: null, manufacturer: null, model: null, firmware: null, slot: null };
  const { label, manufacturer, model, firmware, slot } = of.info;
  return { label, manufacturer, model, firmware, slot };
}

interface ToldHost {
  state: z.infer<typeof hostState>;
  /** Of the last health check: how long ago, and what it took, milliseconds. */
  check: { ago: number; took: number; ok: boolean } | null;
}

/** What the processes say of their own hosts, by whose it is and its process id. */
function toldHosts(pool: TokenClient, metrics: NodeMetrics | undefined): ReadonlyMap<string, ToldHost> {
  const told = new Map<string, ToldHost>();
  for (const { pid, state, check } of pool.hosts) told.set(hostKey(null, pid), { state, check });
  for (const { worker, age, hosts } of metrics?.poolsOf(pool.name) ?? [])
    for (const { pid, state, check } of hosts)
      told.set(hostKey(worker, pid), { state, check: check && { ...check, ago: check.ago + age } });
  return told;
}

function hostKey(worker: number | null, pid: number): string {
  return `${String(worker)} ${pid}`;
}

/** What its own process says of it goes before what the supervisor takes it for. */
function showHost(
  { worker, pid, prepared, provenAt }: HostFacts,
  told: ReadonlyMap<string, ToldHost>,
  now: Date,
): z.infer<typeof shownHost> {
  const own = pid === null ? undefined : told.get(hostKey(worker, pid));
  const check = own?.check ?? null;
  return {
    process: worker === null ? 'management' : 'xks-worker',
    ...{ worker, pid, provenAt },
    state: own?.state ?? (prepared ? 'ready' : 'starting'),
    check: check && {
      at: new Date(now.getTime() - check.ago).toISOString(),
      milliseconds: check.took,
      ok: check.ok,
    },
  };
}

/** `own` is what this process finds, `of` counts the hosts of all processes, where the supervisor has told. */
export function healthOnNode(own: Health, of: Pick<MemberFacts, 'hosts' | 'up'> | undefined): Health {
  if (of === undefined) return own;
  if (of.up === 0) return 'UNAVAILABLE';
  return own === 'ACTIVE' && of.up >= of.hosts ? 'ACTIVE' : 'DEGRADED';
}
