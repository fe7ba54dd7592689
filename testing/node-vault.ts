import type { KeyContext } from '../src/keys/followers.ts';
import { awsFollower } from '../src/cloud/kms-keys/cloud-key-follower.ts';
import { keepOwnKeyProofs } from '../src/keys/own-key-proofs.ts';
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { ownAuthority, type Act } from '../src/evidence/trail.ts';
import { openTokens } from '../src/cli/node/open-node.ts';
import { loadConfig } from '../src/config/load.ts';
import { InForce, type Standing } from '../src/fleet/in-force.ts';
import { initStore, openStore } from '../src/store/opening/open.ts';
import type { Store } from '../src/store/store.ts';
import {
  adoptCloudKey,
  createCloudKey,
  disableCloudKey,
  enableCloudKey,
  rotateCloudKey,
  type CloudKeyRecord,
} from '../src/keys/cloud-keys.ts';
import { issueCredential, withdrawCredential } from '../src/keys/credentials/credentials.ts';
import { createKeySet, type KeySet } from '../src/keys/key-sets/key-sets.ts';
import { TokenPools } from '../src/vault/tokens.ts';
import { insertVault } from './vault.ts';
import type { KeySetAccess } from './xks-client.ts';

export type KeyUsage = 'encrypt-decrypt' | 'encrypt-only' | 'decrypt-only' | 'neither';

const usages = {
  'encrypt-decrypt': { encrypt: true, decrypt: true },
  'encrypt-only': { encrypt: true, decrypt: false },
  'decrypt-only': { encrypt: false, decrypt: true },
  neither: { encrypt: false, decrypt: false },
};

/** Acts on the store and the tokens of a node under test, by names: what the management process would do for a person. */
export class NodeVault {
  readonly vaultContext: KeyContext;
  /** One vault for all, made when it is first needed. */
  readonly vaultId: string;

  constructor(vaultContext: KeyContext, vaultId: string) {
    this.vaultContext = vaultContext;
    this.vaultId = vaultId;
  }

  readonly act = (): Act => ({
    actor: { kind: 'system', id: '', name: 'test' },
    address: '',
    requestId: randomUUID(),
    at: this.vaultContext.now(),
    now: this.vaultContext.now,
    authority: ownAuthority,
  });

  async makeKeySet(name: string, { token = 'token', prefix = '' } = {}): Promise<KeySet> {
    return createKeySet(this.vaultContext, this.act(), this.vaultId, 'all', {
      name,
      token,
      pathPrefix: prefix,
    });
  }

  async issueCredential(keySetName: string): Promise<KeySetAccess> {
    const keySet = await this.keySet(keySetName);
    const { accessKeyId, secret } = await issueCredential(this.vaultContext, this.act(), keySet);
    return {
      uriPath: `${keySet.path_prefix === '' ? '' : `/${keySet.path_prefix}`}/kms/xks/v1`,
      accessKeyId,
      secretAccessKey: secret.reveal(),
    };
  }

  async withdrawCredential(keySetName: string, accessKeyId: string): Promise<void> {
    await withdrawCredential(this.vaultContext, this.act(), await this.keySet(keySetName), { accessKeyId });
    await this.inForce();
  }

  /** External key id of a new CloudKey. */
  async makeKey(
    keySetName: string,
    name: string,
    usage: KeyUsage = 'encrypt-decrypt',
    externalKeyId?: string,
  ): Promise<string> {
    const { id } = await this.keySet(keySetName);
    const key = await createCloudKey(this.vaultContext, this.act(), this.vaultId, 'all', {
      keySetId: id,
      name,
      externalKeyId,
      usage: usages[usage],
    });
    return key.external_key_id;
  }

  async adoptKey(keySetName: string, name: string, label: string, externalKeyId = label): Promise<string> {
    const { id } = await this.keySet(keySetName);
    const key = await adoptCloudKey(this.vaultContext, this.act(), this.vaultId, 'all', {
      keySetId: id,
      name,
      label,
      externalKeyId,
    });
    return key.external_key_id;
  }

  async disableKey(externalKeyId: string): Promise<void> {
    const { id } = await this.key(externalKeyId);
    await disableCloudKey(this.vaultContext, this.act(), { vaultId: this.vaultId, sight: 'all', id });
    await this.inForce();
  }

  /** Waits until what was done is in force on every node, as the management API does before it answers. */
  async inForce(patience = 60_000): Promise<Standing> {
    return new InForce(this.vaultContext.store).wait(patience);
  }

  async enableKey(externalKeyId: string): Promise<void> {
    const { id } = await this.key(externalKeyId);
    await enableCloudKey(this.vaultContext, this.act(), { vaultId: this.vaultId, sight: 'all', id });
  }

  async rotateKey(externalKeyId: string): Promise<void> {
    await rotateCloudKey(this.vaultContext, this.act(), await this.key(externalKeyId), 'asked');
  }

  async keySet(name: string): Promise<KeySet> {
    return this.vaultContext.store.db
      .selectFrom('key_sets')
      .selectAll()
      .where('name', '=', name)
      .executeTakeFirstOrThrow();
  }

  async key(externalKeyId: string): Promise<CloudKeyRecord> {
    return this.vaultContext.store.db
      .selectFrom('cloud_keys')
      .selectAll()
      .where('external_key_id', '=', externalKeyId)
      .executeTakeFirstOrThrow();
  }
}

/** A node's vault, with a host of each of its tokens for acts that need them. */
export interface OpenNodeVault {
  vault: NodeVault;
  close: () => Promise<void>;
}

/** Makes the node's store first, and with `prepare` its own keys in the tokens: what `holdfast init` does. */
export async function openNode(
  configFile: string,
  { tokens = true, prepare = false } = {},
): Promise<OpenNodeVault> {
  const config = loadConfig(configFile);
  if (prepare) mkdirSync(path.dirname(config.storePath), { recursive: true, mode: 0o700 });
  const opened = tokens ? await openTokens(config, config.tokens, { prepare }) : undefined;
  let store: Store | undefined;
  const close = async () => {
    await store?.close();
    await opened?.close();
  };
  try {
    store = await (prepare ? initStore(config.store) : openStore(config.store));
    if (prepare && opened !== undefined)
      for (const [token, { info, ownProofs: proofs, made }] of opened.hosts)
        await keepOwnKeyProofs(store, token, info, { proofs, made }, new Date());
    const vaultContext: KeyContext = {
      store,
      tokens: opened?.rooms ?? new TokenPools([]),
      now: () => new Date(),
      instance: `test/${randomUUID()}`,
      followers: [awsFollower],
    };
    const names = config.tokens.map(({ name }) => name);
    return { vault: new NodeVault(vaultContext, await vaultOf(store, names)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The id of the vault that the acts are in. */
export async function vaultOf(store: Store, tokens: readonly string[]): Promise<string> {
  const known = await store.db
    .selectFrom('vaults')
    .select('id')
    .where('name', '=', 'test')
    .executeTakeFirst();
  return (known ?? (await insertVault(store, 'test', tokens))).id;
}
