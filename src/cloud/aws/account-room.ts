import type { IAMClient } from '@aws-sdk/client-iam';
import type { KMSClient } from '@aws-sdk/client-kms';
import type { STSClient } from '@aws-sdk/client-sts';
import { AwsError } from './aws-error.ts';
import type { Secret } from '../../secret.ts';
import type { AwsAccess } from './access.ts';
import { KmsKeyMemory } from './kms-key-memory.ts';
import { Pace } from './pace.ts';
import { hasFips } from './partitions.ts';
import { RoleSession, type Credentials } from './role-session.ts';
import type { Transport } from './transport.ts';

export interface KmsClientOptions {
  /** The SDK repeats nothing by itself: for requests that make something. */
  once?: boolean;
}

/** What is remembered of one access: its credentials and its clients, by service and Region. */
export class AccountRoom {
  readonly access: AwsAccess;
  readonly pace: Pace;
  readonly #transport: Transport;
  readonly #credentials: (() => Promise<Credentials>) | undefined;
  /** By Region, and whether what they send is sent once. */
  readonly #kms = new Map<string, KMSClient>();
  readonly #sts = new Map<string, STSClient>();
  readonly #keyMemories = new Map<string, KmsKeyMemory>();
  #iam: IAMClient | undefined;

  constructor(access: AwsAccess, transport: Transport) {
    this.access = access;
    this.#transport = transport;
    this.pace = new Pace({ changes: transport.settings.kmsChangesPerSecond, closing: transport.closing });
    const isOfNode = access.kind === 'ambient' || (access.kind === 'role' && access.base === undefined);
    if (isOfNode && !transport.settings.ambient)
      throw new AwsError('credentials', 'NoAmbientCredentials', 'Sign in', {
        message: 'this node gives CSP accounts no credentials of its own',
        remediation: 'set [aws] ambient in the configuration, or give the CSP account an access key',
      });
    this.#credentials = this.#credentialsOf(access);
  }

  async kms(region: string, { once = false }: KmsClientOptions = {}): Promise<KMSClient> {
    const { KMSClient } = await import('@aws-sdk/client-kms');
    const name = once ? `${region} once` : region;
    let client = this.#kms.get(name);
    if (client === undefined) {
      client = new KMSClient({
        ...this.#transport.options('kms', region, this.access.fips),
        ...this.#signing(),
        ...(once ? { maxAttempts: 1 } : {}),
      });
      this.#kms.set(name, client);
    }
    return client;
  }

  keyMemory(region: string): KmsKeyMemory {
    const memory = this.#keyMemories.get(region) ?? new KmsKeyMemory();
    this.#keyMemories.set(region, memory);
    return memory;
  }

  async iam(region: string): Promise<IAMClient> {
    const { IAMClient } = await import('@aws-sdk/client-iam');
    this.#iam ??= new IAMClient({
      ...this.#transport.options('iam', region, this.access.fips),
      ...this.#signing(),
    });
    return this.#iam;
  }

  async sts(workedIn: string): Promise<STSClient> {
    const region = this.#stsRegion(workedIn);
    let client = this.#sts.get(region);
    if (client === undefined) {
      client = await this.#transport.sts(region, this.access.fips, this.#credentials);
      this.#sts.set(region, client);
    }
    return client;
  }

  /** STS has FIPS endpoints in few Regions: then it is called in the account's default Region, if that has one. */
  #stsRegion(region: string): string {
    const { fips, defaultRegion = region } = this.access;
    return this.#transport.usesFips('sts', fips) && !hasFips('sts', region) ? defaultRegion : region;
  }

  /** Without a provider of ours the SDK looks for the node's own credentials: only where that is what is wanted. */
  #signing(): { credentials?: () => Promise<Credentials> } {
    return this.#credentials === undefined ? {} : { credentials: this.#credentials };
  }

  #credentialsOf(access: AwsAccess): (() => Promise<Credentials>) | undefined {
    switch (access.kind) {
      case 'ambient':
        return undefined;
      case 'access-key':
        return keyOf(access);
      case 'role': {
        const base = access.base === undefined ? undefined : keyOf(access.base);
        const session = new RoleSession(access, async () =>
          this.#transport.sts(this.#stsRegion(access.region), access.fips, base),
        );
        return async () => session.credentials();
      }
    }
  }
}

function keyOf({ accessKeyId, secret }: { accessKeyId: string; secret: Secret }): () => Promise<Credentials> {
  return async () => ({ accessKeyId, secretAccessKey: secret.reveal() });
}
