import { counted } from '../../counted.ts';
import type { Schemas } from '../client/api-types.ts';
import { timeText } from '../output/said.ts';

/* A token in the words of people. A node of an older version tells less, and then that is said. */

type Token = Schemas['Token'];
type Told = Partial<Token>;
type Member = Token['members'][number];
type Host = NonNullable<Member['hosts']>[number];

const notTold = 'not told by this node’s version';

export function ivsInWords({ iv }: Pick<Told, 'iv'>): string {
  if (iv === undefined) return notTold;
  const { mode, bytes, random, provenAt, mayRepeat } = iv;
  return [
    `${mode}, ${counted(bytes, 'byte')}`,
    random ? 'drawn at random' : 'not said to be random: the token may count',
    provenAt === null
      ? 'no proof is known'
      : `proven by each host at its start, last at ${timeText(provenAt)}`,
    ...(mayRepeat ? ['MAY REPEAT: its keys were seen in several HSMs; see holdfast status'] : []),
  ].join('; ');
}

export function queueInWords({ queue }: Pick<Told, 'queue'>): string {
  if (queue === undefined) return notTold;
  if (queue === null) return 'no XKS worker has told';
  const { waiting, underWay, estimatedWaitMilliseconds: wait } = queue;
  const estimate =
    wait === null
      ? 'an XKS worker has no host for what comes now'
      : `what comes now waits about ${milliseconds(wait)}`;
  return `${waiting} waiting, ${underWay} under way; ${estimate}`;
}

export function minutesInWords({ lastMinutes }: Pick<Told, 'lastMinutes'>): string {
  if (lastMinutes === undefined) return notTold;
  if (lastMinutes === null) return 'not counted';
  const { minutes, operations, p50Milliseconds, p99Milliseconds, waitP99Milliseconds, faults } = lastMinutes;
  const failed = Object.entries(faults).map(([fault, n]) => `${n} ${fault}`);
  return [
    `${counted(operations, 'operation')} in ${counted(minutes, 'minute')}`,
    ...(p50Milliseconds === null ? [] : [`half within ${milliseconds(p50Milliseconds)}`]),
    ...(p99Milliseconds === null ? [] : [`99 in 100 within ${milliseconds(p99Milliseconds)}`]),
    ...(waitP99Milliseconds === null ? [] : [`after a wait of ${milliseconds(waitP99Milliseconds)} at most`]),
    failed.length === 0 ? 'no fault' : `faults: ${failed.join(', ')}`,
  ].join(', ');
}

/** A line for each token host of the node; of a node that tells only those of its management process these. */
export function hostsInWords({ members, hosts }: Pick<Token, 'members' | 'hosts'>): string[] {
  const isGroup = members.length > 1;
  const told = members.flatMap((member: Pick<Member, 'name'> & Partial<Member>) =>
    (member.hosts ?? []).map((host) => `${isGroup ? `${member.name}, ` : ''}${hostInWords(host)}`),
  );
  if (told.length > 0) return told;
  const management = hosts.map(({ pid, state }) => `management process: ${state}${processInWords(pid)}`);
  return [...management, `XKS workers: ${members.some(isSilent) ? 'the supervisor has not told' : notTold}`];
}

/** A node that tells of hosts, whose supervisor is silent. */
function isSilent({ hosts }: Partial<Member>): boolean {
  return hosts === null;
}

function hostInWords({ worker, pid, state, provenAt, check }: Host): string {
  const checked =
    check === null
      ? 'no check yet'
      : `checked at ${timeText(check.at)} in ${milliseconds(check.milliseconds)}${check.ok ? '' : ', which FAILED'}`;
  return [
    `${worker === null ? 'management process' : `XKS worker ${worker}`}: ${state}${processInWords(pid)}`,
    ...(provenAt === null ? [] : [`self-test at ${timeText(provenAt)}`, checked]),
  ].join(', ');
}

function processInWords(pid: number | null): string {
  return pid === null ? '' : ` (process ${pid})`;
}

/** Of an HSM group; undefined for a single HSM. */
export function notEverywhereInWords({
  members,
  notEverywhere,
}: Pick<Token, 'members'> & Told): string[] | undefined {
  if (members.length < 2) return undefined;
  if (notEverywhere === undefined) return [notTold];
  if (notEverywhere === null) return ['not compared yet: holdfast reconcile run'];
  const { comparedAt, problem, keyVersions, more, reconciliationId } = notEverywhere;
  const lines = keyVersions.map(
    ({ member, kind, name, externalKeyId, version }) =>
      `${kindsInWords[kind]} on ${member}: ${name ?? externalKeyId ?? 'a key'}, version ${String(version)}`,
  );
  return [
    ...(lines.length === 0 ? [`every key is on every HSM, as compared at ${timeText(comparedAt)}`] : lines),
    ...(more === 0 ? [] : [`and ${more} more: holdfast reconcile show ${reconciliationId}`]),
    ...(problem === null ? [] : [`compared at ${timeText(comparedAt)}, and not to the end: ${problem}`]),
  ];
}

const kindsInWords = {
  missing: 'missing',
  duplicate: 'several key objects',
  unfit: 'another key object in its place',
} as const;

function milliseconds(value: number): string {
  return `${Math.round(value * 100) / 100} ms`;
}
