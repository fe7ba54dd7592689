import { AwsClients } from '../../src/cloud/aws/clients.ts';
import { accessKeys } from '../../src/cloud/accounts/access-key-resource.ts';
import type { AwsContext } from '../../src/cloud/controller/context.ts';
import { kmsKeyResource } from '../../src/cloud/kms-keys/resource.ts';
import { advance, type How } from '../../src/cloud/controller/controller.ts';
import { LostTurnError } from '../../src/cloud/controller/turn.ts';
import { keyStores } from '../../src/cloud/key-stores/resource.ts';
import { SqliteStore } from '../../src/store/sqlite/sqlite.ts';
import { TokenError, type TokenFault } from '../../src/token/faults.ts';
import type { TokenRequest } from '../../src/token/messages.ts';
import { systemAct } from '../../src/vault/system-act.ts';
import { TokenPools, type TokenClient } from '../../src/vault/tokens.ts';
import { silentLog, testAwsSettings } from '../../testing/aws-settings.ts';

/*
 * The first management process: a real store and real requests to AWS; the token is its parent's. It takes what is wanted of
 * one thing as far as it goes, is stopped on the way, and tells what became of it once it goes on.
 */

/** One turn for one thing. */
export const works = {
  'access-key': async (context: AwsContext, id: string, how: How) =>
    advance(context, accessKeys({ usedToldAfter: 0, inactiveFor: 0 }), id, how),
  'external-key-store': async (context: AwsContext, id: string, how: How) =>
    advance(context, keyStores, id, how),
  'kms-key': async (context: AwsContext, id: string, how: How) => advance(context, kmsKeyResource, id, how),
} as const satisfies Record<string, (context: AwsContext, id: string, how: How) => Promise<unknown>>;

export interface Order {
  storePath: string;
  aws: { url: string; ca: string };
  /** Milliseconds that the clock stands ahead. */
  ahead: number;
  work: keyof typeof works;
  id: string;
}

export type ToDriver =
  | { kind: 'order'; order: Order }
  | { kind: 'answer'; id: number; value: unknown; fault?: { fault: TokenFault; call: string } };

export type FromDriver =
  | { kind: 'ready' }
  | { kind: 'call'; id: number; token: string; request: TokenRequest }
  | { kind: 'done'; lost: boolean; problem: string };

/** The parent's token. */
class FarToken {
  readonly name = 'token';
  readonly usable = true;
  readonly health = 'ACTIVE';
  readonly #waiting = new Map<number, (answer: Extract<ToDriver, { kind: 'answer' }>) => void>();
  #lastId = 0;

  receive(answer: Extract<ToDriver, { kind: 'answer' }>): void {
    this.#waiting.get(answer.id)?.(answer);
    this.#waiting.delete(answer.id);
  }

  async call(request: TokenRequest): Promise<unknown> {
    const id = ++this.#lastId;
    const { promise, resolve } = Promise.withResolvers<Extract<ToDriver, { kind: 'answer' }>>();
    this.#waiting.set(id, resolve);
    process.send?.({ kind: 'call', id, token: this.name, request } satisfies FromDriver);
    const { value, fault } = await promise;
    if (fault !== undefined) throw new TokenError(fault.fault, fault.call);
    return { value, queue: 0, token: 0, host: 0 };
  }
}

const token = new FarToken();

async function obey({ storePath, aws: { url, ca }, ahead, work, id }: Order): Promise<void> {
  const store = await SqliteStore.open(storePath);
  const endpoints = { kms: url, iam: url, sts: url };
  const settings = testAwsSettings({
    endpoints,
    caCertificates: ca,
    maxAttempts: 1,
    requestTimeoutMs: 60_000,
  });
  const context: AwsContext = {
    ...{ store, tokens: new TokenPools([token as unknown as TokenClient]), instance: 'first-node/1' },
    ...{ aws: new AwsClients(settings, silentLog), now: () => new Date(Date.now() + ahead) },
  };
  const act = systemAct(context, 'schedule');
  const outcome = await works[work](context, id, { act, by: 'watch' });
  const error = outcome?.stopped?.error;
  context.aws.close();
  await store.close();
  const problem = error instanceof Error ? error.message : '';
  process.send?.({ kind: 'done', lost: error instanceof LostTurnError, problem } satisfies FromDriver);
}

if (import.meta.main) {
  process.on('message', (message: ToDriver) => {
    if (message.kind === 'answer') token.receive(message);
    else
      obey(message.order).catch((error: unknown) => {
        console.error(error);
        process.exit(1);
      });
  });
  process.on('disconnect', () => process.exit());
  process.send?.({ kind: 'ready' } satisfies FromDriver);
}
