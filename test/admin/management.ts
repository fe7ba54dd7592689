import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { allRoutes } from '../../src/admin/routes.ts';
import type { AwsContext } from '../../src/cloud/controller/context.ts';
import { ownAuthority, type Act } from '../../src/evidence/trail.ts';
import { createAdminApp } from '../../src/http/admin-app.ts';
import { BuiltConsole } from '../../src/http/console-files.ts';
import type { KeyContext } from '../../src/keys/followers.ts';
import { GatheredMetrics } from '../../src/metrics/series/gathered-metrics.ts';
import type { Acting, Store } from '../../src/store/store.ts';
import { TokenPools, type TokenClient } from '../../src/vault/tokens.ts';
import { listenTls } from '../identity/oidc-stage.ts';
import { passwordCost } from '../identity/people.ts';
import { silentLog } from '../../testing/aws-settings.ts';
import { TestCa } from '../../testing/certificates.ts';
import { NodeVault } from '../../testing/node-vault.ts';
import { memoryDirectory } from '../../testing/test-node.ts';
import type { UserPlace } from './two-vaults.ts';

type Side = 'before' | 'after';

/** Holds the nth transaction of an actor's acts until it is told to go on, or the answer of it to the act. */
export class Gate {
  #held: { actorId: string; n: number; side: Side; reached: () => void; goOn: Promise<void> } | undefined;

  /** Resolves once the actor asks for their nth transaction from now, or has done it. */
  hold(actorId: string, n: number, side: Side = 'before'): { reached: Promise<void>; goOn: () => void } {
    const [reached, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    this.#held = { actorId, n, side, reached: reached.resolve, goOn: goOn.promise };
    return {
      reached: reached.promise,
      goOn: () => {
        this.#held = undefined;
        goOn.resolve();
      },
    };
  }

  async pass(acting: Acting, side: Side): Promise<void> {
    const held = this.#held;
    if (held?.side !== side || !('actor' in acting) || acting.authority === ownAuthority) return;
    if ((acting as Act).actor.id !== held.actorId || --held.n !== 0) return;
    held.reached();
    await held.goOn;
  }

  around(store: Store, broken: Management['broken']): Store {
    const gated: Pick<Store, 'change' | 'write'> = {
      change: async (act, run) => {
        if (broken.store !== undefined) throw broken.store;
        await this.pass(act, 'before');
        const done = await store.change(act, run);
        await this.pass(act, 'after');
        if (broken.afterwards !== undefined) throw broken.afterwards;
        return done;
      },
      write: async (act, run) => {
        if (broken.store !== undefined) throw broken.store;
        await this.pass(act, 'before');
        const done = await store.write(act, run);
        await this.pass(act, 'after');
        if (broken.afterwards !== undefined) throw broken.afterwards;
        return done;
      },
    };
    return new Proxy(store, {
      get: (target, name) => {
        if (name === 'change' || name === 'write') return gated[name];
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  }
}

/** The management API in the test's own process, over a store whose acts can be held. */
export interface Management {
  gate: Gate;
  /** What the token says to everything, and the store to every act; undefined: they do what they are asked. */
  broken: {
    token?: Error | undefined;
    store?: Error | undefined;
    /** What the store says once it has done an act, to whatever is asked of it then. */
    afterwards?: Error | undefined;
  };
  place: UserPlace;
  /** Of an OpenID provider that answers who it is. */
  providerInput: Record<string, unknown>;
  close: () => Promise<void>;
}

function breakable(pool: TokenClient, broken: Management['broken']): TokenClient {
  const call: TokenClient['call'] = async (...asked) => {
    if (broken.token !== undefined) throw broken.token;
    return pool.call(...asked);
  };
  return new Proxy(pool, {
    get: (target, name) => (name === 'call' ? call : Reflect.get(target, name, target)),
  });
}

export async function openManagement(vaultContext: AwsContext & KeyContext): Promise<Management> {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-management-'));
  const gate = new Gate();
  const broken: Management['broken'] = {};
  const ca = await TestCa.create(directory);
  const [app, provider] = [await listenTls(ca), await listenTls(ca)];
  provider.handler = (_, outgoing) => {
    outgoing.setHeader('Content-Type', 'application/json');
    outgoing.end(
      JSON.stringify({
        issuer: provider.origin,
        authorization_endpoint: `${provider.origin}/authorize`,
        token_endpoint: `${provider.origin}/token`,
        jwks_uri: `${provider.origin}/keys`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
        code_challenge_methods_supported: ['S256'],
      }),
    );
  };
  const koa = createAdminApp({
    services: {
      ...vaultContext,
      store: gate.around(vaultContext.store, broken),
      tokens: new TokenPools(vaultContext.tokens.all.map((pool) => breakable(pool, broken))),
      passwordCost,
      log: silentLog,
      version: '1',
      publicUrl: app.origin,
      tokenFacts: [
        {
          name: 'token',
          profile: 'softhsm2',
          vendor: '',
          model: '',
          iv: { mode: 'caller', bytes: 12 },
          drawsIvs: false,
        },
      ],
      pruning: { keepAtLeastDays: 90, wake: () => undefined },
      sessions: { idleMinutes: 15, maxMinutes: 600 },
      verifyToken: async () => ({ ok: true, steps: [] }),
      gathered: new GatheredMetrics({
        ...{ store: vaultContext.store, nodeId: 'node', log: silentLog },
        ask: async () => Promise.resolve(undefined),
        facts: async () => Promise.resolve(undefined),
      }),
    },
    routes: allRoutes,
    limits: { signInsPerMinute: 1_000_000, requestsPerMinute: 1_000_000 },
    draining: () => false,
    console: new BuiltConsole(path.join(directory, 'nobody-has-built-it')),
  }).callback();
  app.handler = (incoming, outgoing) => void koa(incoming, outgoing);
  const { port } = app.server.address() as AddressInfo;
  const place = {
    admin: { port, ca: ca.certificate } as never,
    withStore: async <T>(run: (vault: NodeVault) => Promise<T>) => run(new NodeVault(vaultContext, '')),
  };
  const providerInput = {
    issuer: provider.origin,
    clientId: 'holdfast',
    clientSecret: null,
    caCertificates: await readFile(ca.certificate, 'utf8'),
  };
  return {
    ...{ gate, broken, place, providerInput },
    close: async () => {
      await Promise.all([app.close(), provider.close()]);
      await rm(directory, { recursive: true, force: true });
    },
  };
}
