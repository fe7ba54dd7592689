import type { Command } from 'commander';
import { loadConfig, type LoadedConfig, type LoadedToken } from '../config/load.ts';
import { ConfigError } from '../config/problem.ts';
import { SqliteStore } from '../store/sqlite.ts';
import type { Store } from '../store/store.ts';
import type { TokenRooms } from '../vault/token-rooms.ts';
import { openTokens } from './open-node.ts';

/** The global options that every command has. */
export interface GlobalOptions {
  config: string;
  json?: boolean;
}

export function globalOptions(command: Command): GlobalOptions {
  return command.optsWithGlobals<GlobalOptions>();
}

/** Runs a command with the store open. The management API takes this place in step 2: keep it thin. */
export async function withStore<T>(
  options: GlobalOptions,
  run: (store: Store, config: LoadedConfig) => Promise<T>,
): Promise<T> {
  const config = loadConfig(options.config);
  const store = await SqliteStore.open(config.storePath);
  try {
    return await run(store, config);
  } finally {
    await store.close();
  }
}

/** Runs with one token open too. */
export async function withToken<T>(
  config: LoadedConfig,
  name: string,
  run: (tokens: TokenRooms) => Promise<T>,
): Promise<T> {
  const { rooms, close } = await openTokens(config, [tokenOf(config, name)]);
  try {
    return await run(rooms);
  } finally {
    await close();
  }
}

/** The configured token of this name. Throws ConfigError. */
export function tokenOf(config: LoadedConfig, name: string): LoadedToken {
  const token = config.tokens.find((candidate) => candidate.name === name);
  if (token === undefined)
    throw new ConfigError([
      `no token of this name in ${config.file}; it has: ${config.tokens.map((t) => t.name).join(', ')}`,
    ]);
  return token;
}
