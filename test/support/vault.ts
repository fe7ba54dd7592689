import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { loadProfile } from '../../src/config/profile.ts';
import { hostSettings } from '../../src/http/supervisor.ts';
import { Secret } from '../../src/secret.ts';
import { SqliteStore } from '../../src/store/sqlite.ts';
import { HostKeeper, LoginGate } from '../../src/token/host-keeper.ts';
import { TokenPool } from '../../src/token/token-pool.ts';
import { TokenRooms } from '../../src/vault/token-rooms.ts';
import { memoryDirectory } from './test-node.ts';
import type { Shim } from './shim.ts';
import { createSoftHsmToken } from './tokens.ts';

export interface TestVault {
  store: SqliteStore;
  tokens: TokenRooms;
  storePath: string;
  dispose: () => Promise<void>;
}

/** A store and one SoftHSM token, called `token`, behind one token host; through the fault shim if one is given. */
export async function openVault(shim?: Shim): Promise<TestVault> {
  const fixture = await createSoftHsmToken();
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-vault-'));
  const storePath = path.join(directory, 'holdfast.db');
  const store = await SqliteStore.init(storePath);
  const pool = new TokenPool('token', 1, () => undefined, {
    sickAfter: 5_000,
    killAfter: 10_000,
    queueLength: 4096,
    healthInterval: 60_000,
  });
  const ready = Promise.withResolvers<void>();
  const settings = hostSettings(
    {
      name: 'token',
      profile: 'softhsm2',
      moduleProfile: loadProfile('softhsm2'),
      label: fixture.label,
      module: shim?.module ?? fixture.module,
      environment: { ...fixture.environment, ...shim?.environment },
      start_timeout_ms: 20_000,
      sick_after_ms: 5_000,
      kill_after_ms: 10_000,
    },
    () => Promise.resolve(new Secret(fixture.pin)),
    { prepare: true },
  );
  const keeper = new HostKeeper(settings, new LoginGate(), {
    onReady: ({ id, pid, socket }) => {
      pool.addHost(id, pid, socket);
      ready.resolve();
    },
    onGone: (id) => pool.removeHost(id),
    onFailed: (problem) => ready.reject(new Error(problem)),
  });
  keeper.start();
  await ready.promise;
  return {
    store,
    tokens: new TokenRooms([pool]),
    storePath,
    dispose: async () => {
      pool.close();
      await keeper.stop();
      await store.close();
      await rm(directory, { recursive: true, force: true });
      await fixture.dispose();
    },
  };
}
