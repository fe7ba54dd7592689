import { monotonicNow } from '../../clock.ts';
import type { TokenRequest } from '../messages.ts';

/** For so long a member that could not use a key is asked last for it, milliseconds. */
const rememberedFor = 30_000;
/** The most keys that are remembered; beyond, the oldest is asked for anew. */
const maxRemembered = 10_000;
const nobody: ReadonlySet<string> = new Set();

/** Which members of an HSM group could not use a key, so that not every request for it goes the long way round. */
export class MissedKeys {
  /** By key, then by member: until when it is remembered, by the monotonic clock. */
  readonly #until = new Map<string, Map<string, number>>();

  note(request: TokenRequest, member: string): void {
    const key = keyOf(request);
    const members = this.#until.get(key) ?? new Map<string, number>();
    members.set(member, monotonicNow() + rememberedFor);
    this.#until.delete(key);
    this.#until.set(key, members);
    const [oldest] = this.#until.keys();
    if (this.#until.size > maxRemembered && oldest !== undefined) this.#until.delete(oldest);
  }

  membersWithout(request: TokenRequest): ReadonlySet<string> {
    if (this.#until.size === 0) return nobody;
    const key = keyOf(request);
    const members = this.#until.get(key);
    if (members === undefined) return nobody;
    for (const [member, until] of members) if (until <= monotonicNow()) members.delete(member);
    if (members.size === 0) this.#until.delete(key);
    return new Set(members.keys());
  }

  /** A host of the member has started anew, or it has used the key: what was remembered of it is old. */
  forget(member: string, request?: TokenRequest): void {
    if (this.#until.size === 0) return;
    if (request === undefined) for (const members of this.#until.values()) members.delete(member);
    else this.#until.get(keyOf(request))?.delete(member);
  }
}

/** The sealing key has no CKA_ID in a message. */
function keyOf(request: TokenRequest): string {
  return 'key' in request ? Buffer.from(request.key).toString('latin1') : '';
}
