import { randomUUID } from 'node:crypto';
import { ownAuthority, type Act } from '../evidence/trail.ts';
import type { House } from './context.ts';

/** An act of our own, that nobody asked for: `schedule`, `reconcile`. */
export function systemAct(house: Pick<House, 'now'>, name: string): Act {
  return {
    actor: { kind: 'system', id: '', name },
    address: '',
    requestId: randomUUID(),
    at: house.now(),
    now: house.now,
    authority: ownAuthority,
  };
}
