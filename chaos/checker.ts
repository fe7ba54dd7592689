import { blockSize } from '../src/keys/encryption-limits.ts';
import type { ActEntry, CountEntry, Entry, RequestEntry } from './history.ts';
import { isElsewhere, judgeNodes, type OfNodes } from './of-nodes.ts';
import { judgeTrail, type OffRecord } from './on-record.ts';

/*
 * Judges a history. The acts of one key follow one another, so a key is a register with a known order of writes, and whether an
 * answer was possible is a question of intervals. Sound by construction: what it calls wrong no order of events explains.
 */

export interface Violation {
  rule:
    | 'success after an acknowledged disable'
    | 'refusal after an acknowledged enable'
    | 'wrong plaintext'
    | 'one IV twice'
    | 'an acknowledged key is lost'
    | 'an error that AWS does not repeat'
    | 'encryptions under-counted'
    | OffRecord['rule']
    | OfNodes['rule'];
  /** What shows it. */
  entries: Entry[];
}

/** What AWS KMS repeats, and so the only way in which trouble of ours may show (XKS spec, Error codes). */
const repeated = new Set([
  'no answer',
  'ThrottlingException',
  'InternalException',
  'DependencyTimeoutException',
]);

export function judge(entries: readonly Entry[]): Violation[] {
  const acts = registersOf(entries);
  const requests = entries.filter((entry) => entry.type === 'request');
  const here = requests.filter((request) => !isElsewhere(request, entries));
  return [
    ...here.flatMap((request) => judgeAnswer(request, acts.get(request.key) ?? new Register())),
    ...ivsTwice(requests),
    ...underCounted(requests, isLost(entries) ? [] : entries.filter((entry) => entry.type === 'count')),
    ...judgeTrail(entries),
    ...judgeNodes(entries),
  ];
}

/**
 * Milliseconds by which successes came after the acknowledgement of a disable, where their requests had begun before it. Such are
 * no violation, and a worker that confirms has answered them before (docs/revocation.md): what is left was on its way, or its
 * worker stood still on the last few instructions.
 */
export function finishedLate(entries: readonly Entry[]): number[] {
  const acts = registersOf(entries);
  return entries.flatMap((entry) => {
    if (entry.type !== 'request' || entry.result !== 'success') return [];
    const disable = acts
      .get(entry.key)
      ?.forbids({ began: entry.ended, ended: entry.ended }, 'disable', 'enable');
    return disable === undefined || disable.ended < entry.began ? [] : [entry.ended - disable.ended];
  });
}

/** What AWS had to repeat though the key was enabled for as long as the request took. A disabled one is asked for in the database each time. */
export function failedOfEnabled(entries: readonly Entry[]): RequestEntry[] {
  const acts = registersOf(entries);
  return entries
    .filter((entry) => entry.type === 'request')
    .filter((request) => repeated.has(request.result) && acts.get(request.key)?.isEnabled(request) !== false);
}

/** Whether counts that were acknowledged may be lost. */
function isLost(entries: readonly Entry[]): boolean {
  return entries.some((entry) => entry.type === 'loss' && entry.ofAcknowledged);
}

function registersOf(entries: readonly Entry[]): Map<string, Register> {
  const acts = entries.filter((entry) => entry.type === 'act');
  const registers = new Map(acts.map(({ key }) => [key, new Register()]));
  const losses = entries
    .filter((entry) => entry.type === 'loss')
    .flatMap(({ since, ended }) =>
      [...registers.keys()].map((key): Written => ({
        settled: ended,
        isLoss: true,
        act: { type: 'act', act: 'disable', key, node: 0, invoked: since, ended, result: 'in doubt' },
      })),
    );
  const written = acts.map((act): Written => ({
    act: act.act === 'create' ? { ...act, act: 'enable' } : act,
    settled: act.result === 'acknowledged' ? act.ended : Infinity,
    isLoss: false,
  }));
  for (const one of [...losses, ...written].toSorted((a, b) => a.act.invoked - b.act.invoked))
    registers.get(one.act.key)?.add(one);
  return registers;
}

function judgeAnswer(request: RequestEntry, register: Register): Violation[] {
  const wrong = (rule: Violation['rule'], ...because: Entry[]) => [{ rule, entries: [...because, request] }];
  if (request.result === 'success') {
    if (request.right === false) return wrong('wrong plaintext');
    const disable = register.forbids(request, 'disable', 'enable');
    return disable === undefined ? [] : wrong('success after an acknowledged disable', disable);
  }
  if (request.final === true) return wrong('an acknowledged key is lost');
  if (request.result === 'InvalidStateException') {
    const enable = register.forbids(request, 'enable', 'disable');
    return enable === undefined ? [] : wrong('refusal after an acknowledged enable', enable);
  }
  return repeated.has(request.result) ? [] : wrong('an error that AWS does not repeat');
}

interface Written {
  act: ActEntry;
  /** After this it is done or never will be. */
  settled: number;
  /** It stands for what the database has lost. */
  isLoss: boolean;
}

/** The acts of one key, in the order in which they were sent. A CloudKey is created enabled. */
class Register {
  readonly #acts: Written[] = [];

  add(one: Written): void {
    const { act } = one;
    if (act.result === 'refused') return;
    if (act.act !== 'touch') this.#acts.push(one);
    else if (act.result === 'acknowledged')
      for (const earlier of this.#acts)
        if (!earlier.isLoss) earlier.settled = Math.min(earlier.settled, act.ended);
  }

  /**
   * The acknowledged act `since` which says that the request could not be answered like this: it ended before the request began, and
   * none of the opposite, `against`, can have taken effect after it and before the request ended.
   */
  forbids(
    { began, ended }: Pick<RequestEntry, 'began' | 'ended'>,
    since: 'disable' | 'enable',
    against: 'disable' | 'enable',
  ): ActEntry | undefined {
    // The last one says most: whatever can follow it can follow those before it.
    const at = this.#acts.findLastIndex(
      ({ act }) => act.act === since && act.result === 'acknowledged' && act.ended < began,
    );
    const last = this.#acts[at]?.act;
    if (last === undefined) return undefined;
    const mayHaveFollowed = this.#acts.some(
      ({ act, settled }, place) =>
        act.act === against && act.invoked < ended && (place > at || settled > last.invoked),
    );
    return mayHaveFollowed ? undefined : last;
  }

  /** For certain, while the request took: what nothing has been done to yet is. */
  isEnabled(request: RequestEntry): boolean {
    return (
      this.forbids(request, 'enable', 'disable') !== undefined ||
      !this.#acts.some(({ act }) => act.invoked < request.ended)
    );
  }
}

function ivsTwice(requests: readonly RequestEntry[]): Violation[] {
  const seen = new Map<string, RequestEntry>();
  return requests.flatMap((request): Violation[] => {
    if (request.iv === undefined) return [];
    const name = `${request.key}/${request.version}/${request.iv}`;
    const before = seen.get(name);
    seen.set(name, request);
    return before === undefined ? [] : [{ rule: 'one IV twice', entries: [before, request] }];
  });
}

function underCounted(requests: readonly RequestEntry[], counts: readonly CountEntry[]): Violation[] {
  return counts.flatMap((count): Violation[] => {
    const made = requests.filter(
      ({ kind, result, key, version }) =>
        kind === 'encrypt' && result === 'success' && key === count.key && version === count.version,
    );
    // Each worker counts ahead in blocks of its own, of which a killed one takes the rest along.
    const lives = new Set(made.map(({ life }) => life).filter((life) => life !== undefined));
    return made.length > count.leased || lives.size * blockSize > count.leased
      ? [{ rule: 'encryptions under-counted', entries: [count] }]
      : [];
  });
}
