import type { XksAttempt } from '../xks/xks-client.ts';
import type { HealthReport } from './connections.ts';
import type { Kms } from './kms-house.ts';
import type { ConnectionState, KeyStore } from './records.ts';
import type { VpcEndpointService } from './vpc-endpoint-services.ts';

export interface CallFilter {
  /** `health`, `metadata`, `encrypt` or `decrypt`. */
  readonly operation?: XksAttempt['operation'];
  /** `GenerateDataKey`, `KmsHealthCheck`, … */
  readonly kmsOperation?: string;
  /** Only retries, or none of them. */
  readonly retries?: boolean;
}

/** What tests see of KMS from outside the API, and move there. Key stores are named by id, of whatever account. */
export class KmsControls {
  readonly #kms: Kms;

  constructor(kms: Kms) {
    this.#kms = kms;
  }

  /** Requests that KMS has sent to proxies, or tried to, oldest first; at most the last 10,000. */
  xksCalls({ operation, kmsOperation, retries }: CallFilter = {}): XksAttempt[] {
    return this.#kms.proxies.attempts.filter(
      (attempt) =>
        (operation === undefined || attempt.operation === operation) &&
        (kmsOperation === undefined || attempt.metadata.kmsOperation === kmsOperation) &&
        (retries === undefined || attempt.attempt > 1 === retries),
    );
  }

  forgetXksCalls(): void {
    this.#kms.proxies.attempts.length = 0;
  }

  /** The last request that failed. */
  lastFailure(): XksAttempt | undefined {
    return this.#kms.proxies.attempts.findLast(({ fault }) => fault !== undefined);
  }

  state(keyStoreId: string): ConnectionState {
    return this.#store(keyStoreId).state;
  }

  /** Waits until nothing is under way: resolves with CONNECTED, FAILED or DISCONNECTED. `now` spares the delay. */
  async settled(keyStoreId: string, options: { now?: boolean } = {}): Promise<ConnectionState> {
    return this.#kms.connections.settled(this.#store(keyStoreId), options);
  }

  /** The same without the delay; rejects unless the key store is CONNECTED then. */
  async connected(keyStoreId: string): Promise<void> {
    const store = this.#store(keyStoreId);
    const state = await this.#kms.connections.settled(store, { now: true });
    if (state !== 'CONNECTED')
      throw new Error(
        `The key store is ${state} ${store.errorCode ?? ''}: ${this.lastFailure()?.detail ?? 'nobody connected it'}`,
      );
  }

  /** One KmsHealthCheck at once. */
  async pollHealth(keyStoreId: string): Promise<HealthReport> {
    return this.#kms.connections.poll(this.#store(keyStoreId));
  }

  /** What the last KmsHealthCheck said. */
  health(keyStoreId: string): HealthReport | undefined {
    return this.#kms.connections.health.get(keyStoreId);
  }

  /** AWS signs its requests to proxies with a clock that is wrong by so many milliseconds; 0 puts it right. */
  shiftSigningClock(ms: number): void {
    this.#kms.proxies.clockOffsetMs = ms;
  }

  /** Calls reach KMS through this VPC endpoint, so that proxies are told. */
  arriveThrough(vpc: { readonly vpc: string; readonly vpce: string } | undefined): void {
    this.#kms.proxies.sourceVpc = vpc;
  }

  /**
   * A new credential of a connected key store spreads through AWS's hosts only after {@link spread}: until then every other request
   * is signed with the old one (developer guide: changes may take minutes to be effective).
   */
  slowUpdates(on: boolean): void {
    this.#kms.slowUpdates = on;
  }

  /** All of AWS's hosts sign with the newest credential now. */
  spread(keyStoreId: string): void {
    delete this.#store(keyStoreId).previousCredential;
  }

  /** Ends AWS's connections to proxies: who answers under a name now, and with which certificate, is found anew. */
  dropConnections(): void {
    this.#kms.proxies.client.dropConnections();
  }

  /** How many requests were more than AWS takes, by operation; see `SimulatedTimes.quotaSecondMs`. */
  throttled(): Record<string, number> {
    return Object.fromEntries(this.#kms.quotas.refused);
  }

  putVpcEndpointService(service: VpcEndpointService): void {
    this.#kms.vpcEndpointServices.put(service);
  }

  removeVpcEndpointService(name: string): void {
    this.#kms.vpcEndpointServices.remove(name);
  }

  #store(id: string): KeyStore {
    const store = this.#kms.state.stores().find((candidate) => candidate.id === id);
    if (store === undefined) throw new Error('There is no key store with this id');
    return store;
  }
}
