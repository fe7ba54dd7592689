import { randomUUID } from 'node:crypto';
import type { House } from '../house.ts';
import { XksFailure } from '../xks/xks-failure.ts';
import type { Proxies } from './proxies.ts';
import { storeName, type ConnectionErrorCode, type ConnectionState, type KeyStore } from './records.ts';
import type { KmsState } from './state.ts';
import type { VpcEndpointServices } from './vpc-endpoint-services.ts';
import { connectionErrorCode } from './xks-exceptions.ts';

/** Developer guide: connecting takes about five minutes, and health is asked for every few. */
const awsConnectMs = 300_000;
const awsHealthEveryMs = 180_000;
/** With a VPC endpoint service AWS has an interface endpoint to take down; otherwise nothing. */
const awsDisconnectMs = { PUBLIC_ENDPOINT: 0, VPC_ENDPOINT_SERVICE: 30_000 };

export interface HealthReport {
  readonly at: Date;
  readonly failure?: XksFailure;
}

interface Transition {
  /** Does now what the timer would do later. */
  readonly finish: () => void;
  readonly over: Promise<void>;
}

/** Connects and disconnects key stores in the background, as KMS does, and asks connected ones for their health. */
export class Connections {
  readonly health = new Map<string, HealthReport>();
  readonly #house: House;
  readonly #proxies: Proxies;
  readonly #vpcEndpointServices: VpcEndpointServices;
  readonly #transitions = new Map<string, Transition>();
  readonly #running = new Set<Promise<unknown>>();
  readonly #polls: NodeJS.Timeout;
  #closed = false;

  constructor(house: House, state: KmsState, proxies: Proxies, vpcEndpointServices: VpcEndpointServices) {
    this.#house = house;
    this.#proxies = proxies;
    this.#vpcEndpointServices = vpcEndpointServices;
    this.#polls = setInterval(() => {
      for (const store of state.stores()) if (store.state === 'CONNECTED') this.#run(this.poll(store));
    }, house.options.time?.healthEveryMs ?? awsHealthEveryMs);
  }

  connect(store: KeyStore, requestId: string): void {
    this.#become(store, 'CONNECTING');
    this.#begin(store, this.#house.options.time?.connectMs ?? awsConnectMs, async (stillWanted) => {
      const code = await this.#tryToConnect(store, requestId);
      if (stillWanted()) this.#become(store, code === undefined ? 'CONNECTED' : 'FAILED', code);
    });
  }

  disconnect(store: KeyStore): void {
    this.#become(store, 'DISCONNECTING');
    const delay = this.#house.options.time?.disconnectMs ?? awsDisconnectMs[store.settings.connectivity];
    this.#begin(store, delay, async (stillWanted) => {
      if (stillWanted()) this.#become(store, 'DISCONNECTED');
      this.health.delete(store.id);
    });
  }

  /** Resolves when nothing is under way any more; at once if nothing is. `now` spares the delay. */
  async settled(store: KeyStore, { now = false } = {}): Promise<ConnectionState> {
    for (;;) {
      const transition = this.#transitions.get(store.id);
      if (transition === undefined) return store.state;
      if (now) transition.finish();
      await transition.over;
    }
  }

  /** One KmsHealthCheck. What it says changes no state: CONNECTED means only that connecting once succeeded. */
  async poll(store: KeyStore): Promise<HealthReport> {
    const at = this.#house.now();
    const failure = await this.#ask(store, { kmsOperation: 'KmsHealthCheck', kmsRequestId: randomUUID() });
    const report = { at, ...(failure === undefined ? {} : { failure }) };
    this.health.set(store.id, report);
    return report;
  }

  /** Whatever is under way has ended when this resolves. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#polls);
    for (const { finish } of this.#transitions.values()) finish();
    this.#transitions.clear();
    this.#proxies.client.close();
    await Promise.allSettled(this.#running);
  }

  /** What keeps it from connecting; health is a call of ConnectCustomKeyStore (XKS spec, GetHealthStatus). */
  async #tryToConnect(store: KeyStore, kmsRequestId: string): Promise<ConnectionErrorCode | undefined> {
    if (store.settings.connectivity === 'VPC_ENDPOINT_SERVICE') {
      const problem = this.#vpcEndpointServices.problem(store.settings, store);
      if (problem?.kind === 'not-found') return 'XKS_VPC_ENDPOINT_SERVICE_NOT_FOUND';
      if (problem?.kind === 'invalid') return 'XKS_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION';
    }
    const failure = await this.#ask(store, { kmsOperation: 'ConnectCustomKeyStore', kmsRequestId });
    return failure === undefined ? undefined : connectionErrorCode(failure);
  }

  async #ask(
    store: KeyStore,
    metadata: { kmsOperation: string; kmsRequestId: string },
  ): Promise<XksFailure | undefined> {
    try {
      await this.#proxies.client.health(this.#proxies.of(store), metadata);
      return undefined;
    } catch (error) {
      if (error instanceof XksFailure) return error;
      throw error;
    }
  }

  #become(store: KeyStore, state: ConnectionState, code?: ConnectionErrorCode): void {
    this.#house.consistency.changing(storeName(store.id), store);
    store.state = state;
    if (code === undefined) delete store.errorCode;
    else store.errorCode = code;
    if (state === 'DISCONNECTED') delete store.previousCredential;
    this.#house.log(`key store ${store.id} is ${state}${code === undefined ? '' : `: ${code}`}`);
    this.#house.changed();
  }

  #begin(store: KeyStore, delayMs: number, work: (stillWanted: () => boolean) => Promise<void>): void {
    const superseded = this.#transitions.get(store.id);
    const { promise: over, resolve } = Promise.withResolvers<void>();
    let begun = false;
    const current = () => this.#transitions.get(store.id) === transition && !this.#closed;
    const finish = () => {
      clearTimeout(timer);
      if (begun) return;
      begun = true;
      if (!current()) return resolve();
      this.#run(
        work(current).finally(() => {
          if (current()) this.#transitions.delete(store.id);
          resolve();
        }),
      );
    };
    const timer = setTimeout(finish, delayMs);
    const transition = { finish, over };
    this.#transitions.set(store.id, transition);
    // It finds that it is not wanted any more.
    superseded?.finish();
  }

  /** So that closing can wait for it. */
  #run(work: Promise<unknown>): void {
    const watched = work
      .catch((error: unknown) => this.#house.log(`KMS in the background: ${String(error)}`))
      .finally(() => this.#running.delete(watched));
    this.#running.add(watched);
  }
}
