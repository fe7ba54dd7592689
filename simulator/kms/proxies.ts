import type { House } from '../house.ts';
import type { SimulatedCall } from '../service.ts';
import { XksClient, type RequestMetadata, type XksAttempt, type XksProxy } from '../xks/xks-client.ts';
import type { KeyStore, KmsKey, StoreSettings } from './records.ts';

/** AWS waits this long for a proxy (XKS spec, KMS Considerations). */
const awsTimeoutMs = 250;
/** Attempts remembered for tests; older ones are forgotten. */
const maxAttempts = 10_000;

/** KMS's way to the proxies of its external key stores, and what it remembers of having used it. */
export class Proxies {
  readonly client: XksClient;
  readonly attempts: XksAttempt[] = [];
  /** Added to the clock that signs, ms. */
  clockOffsetMs = 0;
  /** Of calls that reach KMS through a VPC endpoint. */
  sourceVpc: { readonly vpc: string; readonly vpce: string } | undefined;
  readonly #now: () => Date;
  #turn = 0;

  constructor({ options, now, log }: House) {
    const { resolve = {}, xksCa, clientCertificates } = options;
    this.#now = now;
    this.client = new XksClient({
      routeTo: (host, region) => ({
        ...{ host, address: resolve[host], ca: typeof xksCa === 'function' ? xksCa() : xksCa },
        clientCertificate:
          clientCertificates === undefined ? undefined : async () => clientCertificates.of(region),
      }),
      // Asked for at each request, so that tests may change it.
      get timeoutMs() {
        return options.time?.xksTimeoutMs ?? awsTimeoutMs;
      },
      now: () => new Date(now().getTime() + this.clockOffsetMs),
      onAttempt: (attempt) => {
        this.attempts.push(attempt);
        if (this.attempts.length > maxAttempts) this.attempts.shift();
        if (attempt.detail !== undefined)
          log(`XKS ${attempt.operation} of ${attempt.host}${attempt.uriPath}: ${attempt.detail}`);
      },
    });
  }

  /** The proxy of a key store; while a new credential spreads through AWS's hosts, by turns with the old one. */
  of(store: KeyStore): XksProxy {
    if (store.spreadAt !== undefined && this.#now().getTime() >= store.spreadAt) {
      delete store.previousCredential;
      delete store.spreadAt;
    }
    const settled = store.previousCredential === undefined || this.#turn++ % 2 === 0;
    const credential = settled ? undefined : store.previousCredential;
    return this.withSettings(store, credential === undefined ? {} : { credential });
  }

  /** The same with settings that are not the store's yet. */
  withSettings(
    { settings, region }: Pick<KeyStore, 'settings' | 'region'>,
    changes: Partial<StoreSettings>,
  ): XksProxy {
    const { uriEndpoint, uriPath, credential } = { ...settings, ...changes };
    return { host: uriEndpoint.slice('https://'.length).toLowerCase(), uriPath, region, ...credential };
  }

  /**
   * XKS spec, Appendix B. `awsPrincipalArn` is what policies know as aws:PrincipalArn: a role's, not its session's. The VPC is
   * told only of callers of the key's own account.
   */
  metadata(call: SimulatedCall, key?: KmsKey): RequestMetadata {
    const ownVpc = key === undefined || key.accountId === call.accountId ? this.sourceVpc : undefined;
    return {
      awsPrincipalArn: call.principal.policyArn,
      ...(ownVpc === undefined ? {} : { awsSourceVpc: ownVpc.vpc, awsSourceVpce: ownVpc.vpce }),
      ...(key === undefined ? {} : { kmsKeyArn: key.arn }),
      kmsOperation: call.action,
      kmsRequestId: call.requestId,
      ...(call.viaService === undefined ? {} : { kmsViaService: call.viaService }),
    };
  }
}
