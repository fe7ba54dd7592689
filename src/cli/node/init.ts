import { chmodSync, existsSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { wallClock } from '../../clock.ts';
import { counted } from '../../counted.ts';
import { loadConfig, type LoadedConfig } from '../../config/load.ts';
import { ensureFirstAdministrator, resetAdministrator } from '../../identity/administrators.ts';
import type { Secret } from '../../secret.ts';
import { evidenceOf, examineStoreFile } from '../../store/sqlite/store-file.ts';
import type { SpaceReserve } from '../../store/sqlite/space-reserve.ts';
import { lockDatabase } from '../../store/opening/lock.ts';
import {
  initStore,
  isUpgradedBeside,
  placeInWords,
  openStore,
  openStoreToRead,
  readOlderStore,
} from '../../store/opening/open.ts';
import { StoreError } from '../../store/store-error.ts';
import { keepOwnKeyProofs, readTokensOnRecord } from '../../keys/own-key-proofs.ts';
import { replaceToken } from '../../keys/replaced-tokens.ts';
import { record } from '../../evidence/trail.ts';
import type { Store } from '../../store/store.ts';
import type { TokenOnRecord } from '../../token/own-key-proofs.ts';
import { VaultError } from '../../vault/vault-error.ts';
import { goOnAsOwner } from './as-owner.ts';
import { globalOptions } from './global-options.ts';
import { localAct, localContext } from './local-context.ts';
import { takeNodeLocks } from './node-locks.ts';
import { openTokens } from './open-node.ts';
import { readSecretFile, showSecret } from '../client/secret-file.ts';
import { note, print } from '../output/streams.ts';

export interface InitInput {
  administrator: string;
  passwordFile?: string;
  resetAdministrator?: true | string;
  /** Name of a token that another takes the place of. */
  replaceToken?: string;
}

interface FirstAdministrator {
  username: string;
  password?: Secret | undefined;
}

/** `holdfast init`. */
export async function runInit(input: InitInput, command: Command): Promise<void> {
  const config = loadConfig(globalOptions(command).config);
  const password =
    input.passwordFile === undefined ? undefined : readSecretFile(input.passwordFile, 'the password file');
  goOnAsOwner(config);
  if (input.resetAdministrator !== undefined) return reset(config, input.resetAdministrator);
  const { administrator, replaceToken } = input;
  if (replaceToken !== undefined) assertConfigured(config, replaceToken);
  await init(config, { username: administrator, password }, undefined, replaceToken);
}

/** What `init` has to do with tables of a file, or of a database that others may have too. Throws StoreError where neither can be opened. */
async function toDo({ store }: LoadedConfig): Promise<'bring up to date' | 'make' | undefined> {
  try {
    await (await openStoreToRead(store)).close();
    return undefined;
  } catch (error) {
    if (error instanceof StoreError && error.fault === 'older') return 'bring up to date';
    if (error instanceof StoreError && error.fault === 'missing' && store.kind === 'postgres') return 'make';
    throw error;
  }
}

/** Nodes of the version before go on where what is done only adds to the tables. */
async function useFor(work: Awaited<ReturnType<typeof toDo>>, { store }: LoadedConfig) {
  return work === 'bring up to date' && (await isUpgradedBeside(store)) ? 'upgrade' : 'init';
}

/**
 * Everything that a node needs before it can serve; what is there already is left as it is. `takeLocks`: of a store that is
 * brought up to date, whose tables are not changed under a node that works with them, and whose token is not either. `replaced` names
 * a token that is meant to be another from now on. Throws VaultError, TokenStartError where one is another without that.
 */
export async function init(
  config: LoadedConfig,
  administrator: FirstAdministrator,
  takeLocks = () => takeNodeLocks(config, 'init'),
  replaced?: string,
): Promise<void> {
  mkdirSync(config.node.state_directory, { recursive: true, mode: 0o700 });
  mkdirSync(path.dirname(config.storePath), { recursive: true, mode: 0o700 });
  // Before keys are made in a token for it.
  if (config.store.kind === 'sqlite') examineStoreFile(config.storePath, evidenceOf(config.storePath), true);
  const isThere =
    config.store.kind !== 'sqlite' || (existsSync(config.storePath) && statSync(config.storePath).size > 0);
  const work = isThere ? await toDo(config) : undefined;
  const isAlone = work !== undefined || replaced !== undefined;
  const releaseLocks = isAlone ? takeLocks() : undefined;
  // No node goes on with a token that another takes the place of.
  const use = replaced === undefined && work !== undefined ? await useFor(work, config) : 'init';
  const releaseDatabase = isAlone ? await lockDatabase(config.store, use) : undefined;
  try {
    const onRecord = isThere && work !== 'make' ? await tokensOnRecord(config, replaced) : undefined;
    await makeAll(config, administrator, { stands: toldOf(work, use), onRecord, replaced });
  } finally {
    await releaseDatabase?.();
    releaseLocks?.();
  }
}

function toldOf(work: Awaited<ReturnType<typeof toDo>>, use: 'upgrade' | 'init'): string {
  if (work !== 'bring up to date') return 'up to date';
  return use === 'upgrade'
    ? 'brought up to date; nodes of the release that it was of go on working with it'
    : 'brought up to date; the release that it was of does not open it any more';
}

interface InitWork {
  /** What became of the store, in words. */
  stands: string;
  onRecord: ReadonlyMap<string, TokenOnRecord> | undefined;
  replaced: string | undefined;
}

function assertConfigured({ tokens }: LoadedConfig, name: string): void {
  if (tokens.some((token) => token.name === name)) return;
  throw new VaultError(
    'not-found',
    `the configuration has no token of the name ${name}`,
    `it has: ${tokens.map((token) => token.name).join(', ')}`,
  );
}

/** Which token is meant by each name; whichever is there by that of the replaced one. Undefined of a release that did not know. */
async function tokensOnRecord(
  config: LoadedConfig,
  replaced: string | undefined,
): Promise<Map<string, TokenOnRecord> | undefined> {
  return readOlderStore(config.store, async (db) => {
    const tables = await db.introspection.getTables();
    if (!tables.some(({ name }) => name === 'own_key_proofs')) return undefined;
    const known = await readTokensOnRecord({ db });
    return new Map(
      config.tokens
        .filter(({ name }) => name !== replaced)
        .map(({ name }) => [name, known.get(name) ?? 'none']),
    );
  });
}

async function replace(store: Store, token: string, serial: string): Promise<void> {
  const act = localAct('init --replace-token');
  const before = ((await readTokensOnRecord(store)).get(token)?.serials ?? []).join(', ');
  const left = await store.write(act, async (trx) => {
    const left = await replaceToken(trx, token);
    await record(trx, act, {
      action: 'token.replace',
      vaultId: '',
      target: { kind: 'token', id: '', name: token },
      before: { serial: before },
      after: { serial, keyVersionsLeft: left },
    });
    return left;
  });
  if (left > 0)
    print(
      `token ${token}: ${counted(left, 'key version')} left in the token that it replaces${before === '' ? '' : ` (serial ${before})`}; holdfast token show ${token} tells of it`,
    );
}

async function makeAll(
  config: LoadedConfig,
  administrator: FirstAdministrator,
  { stands, onRecord, replaced }: InitWork,
): Promise<void> {
  const { made, hosts, opened, notOpened, close } = await openTokens(config, config.tokens, {
    prepare: true,
    onRecord,
  });
  await close();
  for (const line of [...notOpened.values()].flat())
    note(`holdfast: warning: not looked at, since another member of its HSM group stands in: ${line}`);
  for (const [token, labels] of made)
    print(
      `token ${token}: ${labels.length === 0 ? 'has our own keys already' : `made ${labels.join(', ')}`}`,
    );
  const store = await initStore(config.store);
  try {
    if (config.store.kind === 'sqlite') chmodSync(config.store.path, 0o600);
    if (replaced !== undefined) await replace(store, replaced, hosts.get(replaced)?.info.serial ?? '');
    for (const { token, info, ownProofs, made } of opened)
      await keepOwnKeyProofs(store, token, info, { proofs: ownProofs, made }, wallClock());
    print(`store ${placeInWords(config.store)}: ${stands}`);
    if (store.reserve !== undefined) fillReserve(store.reserve);
    const first = await ensureFirstAdministrator(localContext(store), localAct('init'), administrator);
    if (first.firstPassword !== undefined) tellPassword(first.username, first.firstPassword);
    else print(`administrator ${first.username}: ${first.made ? 'made' : 'there already'}`);
  } finally {
    await store.close();
  }
}

/** The node fills it up again; here it is to be there from the first start on. */
function fillReserve(reserve: SpaceReserve): void {
  let whole = false;
  try {
    whole = reserve.fill();
  } catch {
    // A disk that fails here fails again below, and says so.
  }
  if (!whole)
    note('holdfast: warning: the disk of the store has no room for the space that is kept in reserve');
}

async function reset(config: LoadedConfig, username: true | string): Promise<void> {
  const store = await openStore(config.store);
  try {
    const { username: who, firstPassword } = await resetAdministrator(
      localContext(store),
      localAct('init --reset-administrator'),
      username === true ? {} : { username },
    );
    tellPassword(who, firstPassword);
  } finally {
    await store.close();
  }
}

/** Shown this once: at rest there is only its hash. */
function tellPassword(username: string, password: Secret): void {
  const made = {
    what: `a first password of the administrator ${username}`,
    undo: `holdfast init --reset-administrator ${username}`,
  };
  showSecret(made, () => {
    print(`administrator ${username}, first password: ${password.reveal()}`);
    print('  It is good for seven days and must be changed at the first sign-in: holdfast login');
  });
}
