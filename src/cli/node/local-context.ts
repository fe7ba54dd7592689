import type { KeyContext } from '../../keys/followers.ts';
import { awsFollower } from '../../cloud/kms-keys/cloud-key-follower.ts';
import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import { ownAuthority, type Act } from '../../evidence/trail.ts';
import { wallClock } from '../../clock.ts';
import type { Store } from '../../store/store.ts';
import { TokenPools } from '../../vault/tokens.ts';

/** What acts of a command on the node itself work with: the store, and the tokens where the command opened them. */
export function localContext(store: Store, tokens = new TokenPools([])): KeyContext {
  return {
    store,
    tokens,
    now: () => wallClock(),
    instance: `command/${randomUUID()}`,
    followers: [awsFollower],
  };
}

/** An act of whoever may run a command on this machine: that they may is all that is known of them. */
export function localAct(command: string): Act {
  return {
    actor: { kind: 'command', id: '', name: `${command}, run by ${whoRan}` },
    address: '',
    requestId: randomUUID(),
    at: wallClock(),
    now: wallClock,
    authority: ownAuthority,
    despiteLoss: true,
  };
}

/** Who began this process, whoever it goes on as. */
const whoRan = userName();

/** A user id of a container may have no name: then it is its number. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `user id ${process.geteuid?.() ?? 'unknown'}`;
  }
}
