import { existsSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import {
  consoleFile,
  issueCredential,
  listCredentials,
  revealSecret,
  withdrawCredential,
} from '../vault/credentials.ts';
import { findKeySet } from '../vault/key-sets.ts';
import { managementDeadline } from '../vault/token-rooms.ts';
import { VaultError } from '../vault/vault-error.ts';
import { globalOptions, withStore, withToken } from './context.ts';
import { printRecord, printRows } from './output.ts';

export function addCredentialCommands(program: Command): void {
  const credential = program
    .command('credential')
    .description('XKS credentials: what AWS KMS signs its requests with');
  credential
    .command('issue')
    .description('make a credential of a key set; at least two may live at once, for a change without a gap')
    .requiredOption('--key-set <key-set>', 'name or id of the key set')
    .option(
      '--console-file <file>',
      'write the JSON file for AWS’s console here, mode 0600, instead of showing the secret',
    )
    .addHelpText(
      'after',
      '\nExample:\n  holdfast credential issue --key-set payments --console-file xks-proxy-config.json',
    )
    .action(async (wish: { keySet: string; consoleFile?: string }, command: Command) => {
      const options = globalOptions(command);
      await withStore(options, async (store, config) => {
        const keySet = await findKeySet(store, wish.keySet);
        if (wish.consoleFile !== undefined && existsSync(wish.consoleFile))
          throw new VaultError('conflict', 'the console file exists already; name another, or remove it');
        const { accessKeyId, secret } = await withToken(config, keySet.token, async (tokens) =>
          issueCredential(store, tokens, keySet),
        );
        if (wish.consoleFile === undefined) {
          printRecord({ accessKeyId, rawSecretAccessKey: secret.reveal() }, options);
          return;
        }
        writeFileSync(wish.consoleFile, consoleFile(keySet, accessKeyId, secret), {
          mode: 0o600,
          flag: 'wx',
        });
        printRecord({ accessKeyId, consoleFile: wish.consoleFile }, options);
      });
    });
  credential
    .command('list')
    .description('list the credentials of a key set; secrets are never shown again')
    .requiredOption('--key-set <key-set>', 'name or id of the key set')
    .action(async (wish: { keySet: string }, command: Command) => {
      const options = globalOptions(command);
      await withStore(options, async (store) => {
        const rows = await listCredentials(store, await findKeySet(store, wish.keySet));
        printRows(
          rows.map((row) => ({
            accessKeyId: row.access_key_id,
            state: row.withdrawn_at === null ? 'LIVE' : 'WITHDRAWN',
            created: row.created_at,
            withdrawn: row.withdrawn_at,
          })),
          ['accessKeyId', 'state', 'created', 'withdrawn'],
          options,
        );
      });
    });
  credential
    .command('withdraw <access-key-id>')
    .description('withdraw a credential: no later request signed with it succeeds')
    .action(async (accessKeyId: string, _: unknown, command: Command) => {
      const options = globalOptions(command);
      await withStore(options, async (store) => {
        await withdrawCredential(store, accessKeyId);
        printRecord({ accessKeyId, state: 'WITHDRAWN' }, options);
      });
    });
  credential
    .command('console-file <access-key-id>')
    .description('print the JSON file that AWS’s console takes, with the secret in it')
    .requiredOption('--key-set <key-set>', 'name or id of the key set')
    .action(async (accessKeyId: string, wish: { keySet: string }, command: Command) => {
      await withStore(globalOptions(command), async (store, config) => {
        const keySet = await findKeySet(store, wish.keySet);
        const row = await store.db
          .selectFrom('xks_credentials')
          .selectAll()
          .where('access_key_id', '=', accessKeyId)
          .where('key_set_id', '=', keySet.id)
          .where('withdrawn_at', 'is', null)
          .executeTakeFirst();
        if (row === undefined)
          throw new VaultError('not-found', 'the key set has no live credential with this access key id');
        const secret = await withToken(config, keySet.token, async (tokens) =>
          revealSecret(tokens, row, keySet.token, managementDeadline().deadline),
        );
        process.stdout.write(consoleFile(keySet, accessKeyId, secret));
      });
    });
}
