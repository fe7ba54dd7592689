import { chmodSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { loadConfig, type LoadedConfig } from '../config/load.ts';
import { SqliteStore } from '../store/sqlite.ts';
import { globalOptions } from './context.ts';
import { openTokens } from './open-node.ts';

export function addInitCommand(program: Command): void {
  program
    .command('init')
    .description(
      'make the store or bring it up to date, and make our own keys in every token; safe to repeat',
    )
    .action(async (_: unknown, command: Command) => {
      await init(loadConfig(globalOptions(command).config));
    });
}

export async function init(config: LoadedConfig): Promise<void> {
  mkdirSync(config.node.state_directory, { recursive: true, mode: 0o700 });
  mkdirSync(path.dirname(config.storePath), { recursive: true, mode: 0o700 });
  const { made, close } = await openTokens(config, config.tokens, true);
  await close();
  for (const [token, labels] of made)
    console.log(
      `token ${token}: ${labels.length === 0 ? 'has our own keys already' : `made ${labels.join(', ')}`}`,
    );
  const store = await SqliteStore.init(config.storePath);
  await store.close();
  chmodSync(config.storePath, 0o600);
  console.log(`store ${config.storePath}: up to date`);
}
