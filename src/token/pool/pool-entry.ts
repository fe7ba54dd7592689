import { endsHost, TokenError, type TokenFault } from '../faults.ts';
import { monotonicNow } from '../../clock.ts';
import type { TokenAnswer } from '../response-frames.ts';
import type { HostLink } from './host-link.ts';
import type { TokenRequest, TokenRequestKind, TokenResponses } from '../messages.ts';
import { costOf, type Waiting } from './waiting-room.ts';

export interface CallOptions {
  /** When the caller stops waiting, by {@link monotonicNow}. */
  deadline: number;
  /** Called before each time the request is handed to a host; may throw to refuse. Counts encryptions. */
  onAttempt?: (() => void) | undefined;
  /** Whom it is for, such as a key set: what one asks for beyond its share of the token waits behind the others'. */
  lane?: string;
  /** The only one of an HSM group's members to ask. Its hosts are then our own: whom we borrow from is not told it. */
  member?: string | undefined;
  /** Asked for by a process that borrows our hosts: it is not lent on. */
  ownHostsOnly?: boolean;
}

interface EntryOptions extends CallOptions {
  /** The only member that may do it, by what the request itself is: whom we borrow from finds the same. */
  onlyMember?: string | undefined;
}

/** Where the time of a call went. */
export interface CallTimes {
  /** Waiting for a host, and for the messages to travel, milliseconds. */
  queue: number;
  /** In the token host, milliseconds. */
  token: number;
  /** Process id of the token host that answered. */
  host: number;
  /** Serial number of the HSM that did it; undefined of hosts that are borrowed. */
  serial: string | undefined;
  /** Members of an HSM group that were asked before, and could not do it with their key object. */
  notOn?: ReadonlyMap<string, TokenError>;
}

export interface CallResult<K extends TokenRequestKind> extends CallTimes {
  value: TokenResponses[K];
}

/** Another host is asked at most once: an operation that two hosts could not do in time is told as late. */
const maxAttempts = 2;
/** What a retry may repeat: an encrypt makes a new IV, a decrypt changes nothing. Making a key is never repeated. */
const repeatable: ReadonlySet<TokenRequestKind> = new Set<TokenRequestKind>([
  'encrypt',
  'decrypt',
  'inspectKey',
  'findKey',
  'listKeys',
  'seal',
  'unseal',
  'reseal',
  'proveKey',
  'makeProof',
  'restrictKey',
  'destroyKey',
]);

/** Whether another host may not have this fault; what the token says of the request itself, every host would say. */
export function worthAnotherHost(fault: TokenFault): boolean {
  return endsHost(fault) || fault === 'session-lost' || fault === 'verify-failed';
}

/** What a member of an HSM group says of its own key object, or of itself: another may do it. */
const ofMember: ReadonlySet<TokenFault> = new Set<TokenFault>([
  'key-missing',
  'key-duplicate',
  'key-unfit',
  'usage-refused',
  'other-token',
  'internal',
]);

/**
 * Which member of an HSM group a request is for: any, where one answers for all; the one that the call names, where each has to be
 * asked for itself, since it changes key objects or lists them; or whichever host it is sent to.
 */
const memberFor: Readonly<Record<TokenRequestKind, 'any' | 'named' | 'of-host'>> = {
  encrypt: 'any',
  decrypt: 'any',
  inspectKey: 'any',
  findKey: 'any',
  seal: 'any',
  unseal: 'any',
  reseal: 'any',
  proveKey: 'any',
  makeProof: 'any',
  generateKey: 'named',
  destroyKey: 'named',
  restrictKey: 'named',
  listKeys: 'named',
  health: 'of-host',
  learn: 'of-host',
};

/** What an HSM group may be asked for only with the name of a member: one that happens to be free would do it, and no other. */
export function lacksMember({ kind }: TokenRequest, { member }: Pick<CallOptions, 'member'>): boolean {
  return member === undefined && memberFor[kind] === 'named';
}

export type Link = HostLink<Entry>;
export type Settled = { answer: TokenAnswer; times: CallTimes } | TokenError;

const none: ReadonlySet<string> = new Set();

/** One operation that somebody waits for. */
export class Entry implements Waiting {
  readonly id: number;
  readonly request: TokenRequest;
  readonly deadline: number;
  readonly enqueued = monotonicNow();
  readonly lane: string;
  readonly cost: number;
  attempts = 0;
  /** Hosts that hold it now. */
  readonly on = new Set<Link>();
  readonly tried = new Set<Link>();
  /** What a host said that could not do it, while another may be asked. */
  failure: TokenError | undefined;
  settled = false;
  /** The only one of an HSM group's members that may do it. */
  readonly member: string | undefined;
  /** Where it waits: with those that the same hosts may do. */
  readonly room: string;
  /** Members that cannot do it with their key object, and what they said. */
  readonly notOn = new Map<string, TokenError>();
  /** Members that could not a moment ago: they are asked last. */
  readonly avoided: ReadonlySet<string>;
  readonly ownHostsOnly: boolean;
  readonly #onAttempt: (() => void) | undefined;
  readonly #settle: (result: Settled) => void;

  constructor(
    id: number,
    request: TokenRequest,
    { deadline, onAttempt, lane, ownHostsOnly, member, onlyMember }: EntryOptions,
    settle: (result: Settled) => void,
    avoided: ReadonlySet<string> = none,
  ) {
    this.member = member ?? onlyMember;
    this.room = member === undefined ? (onlyMember ?? '') : `named ${member}`;
    this.avoided = avoided;
    this.id = id;
    this.request = request;
    this.lane = lane ?? '';
    this.cost = costOf(request);
    this.deadline = deadline;
    this.ownHostsOnly = ownHostsOnly === true || member !== undefined;
    this.#onAttempt = onAttempt;
    this.#settle = settle;
  }

  /** Whether it does no harm to do it twice. */
  get isRepeatable(): boolean {
    return repeatable.has(this.request.kind);
  }

  /** Whether it may be given to one more host, if there is one. */
  get mayBeRepeated(): boolean {
    const attempts = this.attempts - this.notOn.size;
    return attempts < maxAttempts && this.isRepeatable && monotonicNow() < this.deadline;
  }

  /** Whether another member of an HSM group may do what this fault kept one from. */
  isOfMember(fault: TokenFault): boolean {
    return this.member === undefined && ofMember.has(fault) && memberFor[this.request.kind] === 'any';
  }

  /** A member cannot do it. What is told where none can is the gravest that one said. */
  refusedBy(member: string, error: TokenError): void {
    this.notOn.set(member, error);
    const unfit = [...this.notOn.values()].find(({ fault }) => fault === 'key-unfit') ?? error;
    const said = [...this.notOn].map(([name, one]) => `${name}: ${one.detail ?? one.message}`);
    this.failure = new TokenError(unfit.fault, unfit.call, unfit.rv, said.join('; '));
  }

  /** Says that `link` gets it now. An error where the caller does not allow it. */
  begin(link: Link): TokenError | undefined {
    try {
      this.#onAttempt?.();
      // A neighbour may have two of its hosts try it, and we are not told: both count (promise 5).
      if (link.borrowed !== undefined && this.mayBeRepeated) this.#onAttempt?.();
    } catch (error) {
      return error instanceof TokenError ? error : new TokenError('internal', 'pool');
    }
    this.attempts++;
    this.on.add(link);
    this.tried.add(link);
    return undefined;
  }

  /** The first result counts. */
  settle(result: Settled): void {
    if (this.settled) return;
    this.settled = true;
    this.#settle(result);
  }
}
