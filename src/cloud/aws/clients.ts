import type { IAMClient } from '@aws-sdk/client-iam';
import type { KMSClient } from '@aws-sdk/client-kms';
import type { STSClient } from '@aws-sdk/client-sts';
import type { Logger } from '../../log.ts';
import type { AwsAccess } from './access.ts';
import { AccountRoom, type KmsClientOptions } from './account-room.ts';
import type { KmsKeyMemory } from './kms-key-memory.ts';
import type { Pace } from './pace.ts';
import { checkRegion, homeRegion, type Partition } from './partitions.ts';
import type { AwsSettings } from './settings.ts';
import { Transport } from './transport.ts';

export type { AwsAccess } from './access.ts';
export type { AwsSettings } from './settings.ts';

/** So many accounts are remembered, with their connections and role sessions. */
const maxRooms = 200;

/**
 * AWS for all CSP accounts. Nothing of AWS's SDK is loaded before the first call, and the SDK takes nothing from the
 * environment or from files but, where the configuration says so, the node's own credentials.
 */
export class AwsClients {
  readonly settings: AwsSettings;
  readonly #transport: Transport;
  /** In order of use, the longest unused first. */
  readonly #rooms = new Map<string, AccountRoom>();

  constructor(settings: AwsSettings, log: Logger) {
    this.settings = settings;
    this.#transport = new Transport(settings, log);
  }

  /** The account for this access, remembered. No request is sent yet. Throws AwsError `credentials` for ambient ones that the configuration does not give. */
  of(access: AwsAccess): AwsAccount {
    const room = this.#rooms.get(access.accountKey) ?? new AccountRoom(access, this.#transport);
    this.#remember(access.accountKey, room);
    return new AwsAccount(room, access.region);
  }

  /** The account that {@link of} remembers under this key, so that its secret need not be opened again. */
  remembered(accountKey: string, region: string): AwsAccount | undefined {
    const room = this.#rooms.get(accountKey);
    if (room === undefined) return undefined;
    this.#remember(accountKey, room);
    return new AwsAccount(room, region);
  }

  /** An account for once: a credential that may yet be refused is not remembered. */
  once(access: AwsAccess): AwsAccount {
    return new AwsAccount(new AccountRoom(access, this.#transport), access.region);
  }

  /** Forgets what is remembered of a CSP account: it is gone, or signs in otherwise. */
  forget(cspAccountId: string): void {
    for (const key of this.#rooms.keys()) if (key.startsWith(`${cspAccountId} `)) this.#rooms.delete(key);
  }

  /** Ends connections; requests under way fail. */
  close(): void {
    this.#rooms.clear();
    this.#transport.close();
  }

  #remember(key: string, room: AccountRoom): void {
    this.#rooms.delete(key);
    this.#rooms.set(key, room);
    const [oldest] = this.#rooms.keys();
    if (this.#rooms.size > maxRooms && oldest !== undefined) this.#rooms.delete(oldest);
  }
}

/** One AWS account, as one principal of it. Its clients are for {@link callAws}; they must not be destroyed. */
export class AwsAccount {
  readonly region: string;
  readonly partition: Partition;
  readonly #room: AccountRoom;

  constructor(room: AccountRoom, region: string) {
    this.#room = room;
    this.region = region;
    this.partition = room.access.partition;
  }

  /** Throws AwsError `invalid` for a Region of another partition. */
  async kms(region: string = this.region, options: KmsClientOptions = {}): Promise<KMSClient> {
    checkRegion('KMS', this.partition, region);
    return this.#room.kms(region, options);
  }

  get pace(): Pace {
    return this.#room.pace;
  }

  keyMemory(region: string): KmsKeyMemory {
    return this.#room.keyMemory(region);
  }

  async iam(): Promise<IAMClient> {
    return this.#room.iam(homeRegion[this.partition]);
  }

  async sts(): Promise<STSClient> {
    checkRegion('STS', this.partition, this.region);
    return this.#room.sts(this.region);
  }
}
