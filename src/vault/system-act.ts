import { randomUUID } from 'node:crypto';
import { ownAuthority, type Act } from '../evidence/trail.ts';
import type { VaultContext } from './context.ts';

/** An act of our own, that nobody asked for: `schedule`, `reconcile`. */
export function systemAct(context: Pick<VaultContext, 'now' | 'authority'>, name: string): Act {
  return {
    actor: { kind: 'system', id: '', name },
    address: '',
    requestId: randomUUID(),
    at: context.now(),
    now: context.now,
    authority: context.authority ?? ownAuthority,
  };
}
