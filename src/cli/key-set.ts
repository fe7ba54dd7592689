import type { Command } from 'commander';
import { createKeySet, findKeySet, listKeySets, type KeySet } from '../vault/key-sets.ts';
import { xksUriPath } from '../vault/names.ts';
import { globalOptions, tokenOf, withStore } from './context.ts';
import { printRecord, printRows } from './output.ts';

export function addKeySetCommands(program: Command): void {
  const keySet = program
    .command('key-set')
    .description('keys that share a token and an external key store identity');
  keySet
    .command('create <name>')
    .description('make a key set')
    .requiredOption('--token <token>', 'name of the token in the configuration that keeps its keys')
    .option('--path-prefix <prefix>', 'path prefix of its XKS URIs; none if left out', '')
    .option('--description <text>', 'up to 300 characters', '')
    .addHelpText(
      'after',
      '\nExample:\n  holdfast key-set create payments --token primary --path-prefix payments-7f3c9a',
    )
    .action(
      async (
        name: string,
        wish: { token: string; pathPrefix: string; description: string },
        command: Command,
      ) => {
        const options = globalOptions(command);
        await withStore(options, async (store, config) => {
          tokenOf(config, wish.token);
          printRecord(shown(await createKeySet(store, { name, ...wish })), options);
        });
      },
    );
  keySet
    .command('list')
    .description('list the key sets')
    .action(async (_: unknown, command: Command) => {
      const options = globalOptions(command);
      await withStore(options, async (store) =>
        printRows(
          (await listKeySets(store)).map(shown),
          ['name', 'token', 'xksProxyUriPath', 'created'],
          options,
        ),
      );
    });
  keySet
    .command('show <name>')
    .description('show a key set, by name or id')
    .action(async (name: string, _: unknown, command: Command) => {
      const options = globalOptions(command);
      await withStore(options, async (store) => printRecord(shown(await findKeySet(store, name)), options));
    });
}

function shown(keySet: KeySet): Record<string, unknown> {
  return {
    id: keySet.id,
    name: keySet.name,
    description: keySet.description,
    token: keySet.token,
    xksProxyUriPath: xksUriPath(keySet.path_prefix),
    created: keySet.created_at,
  };
}
