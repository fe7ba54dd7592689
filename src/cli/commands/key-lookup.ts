import type { Command } from 'commander';
import { at } from '../client/address.ts';
import { withApi } from '../client/api.ts';
import { CliError } from '../output/cli-error.ts';
import { example } from '../output/example.ts';
import { cloudKeyArgument } from './find-cloud-key.ts';
import { printList } from '../output/output.ts';
import { note } from '../output/streams.ts';

/** The API gives no more (operation findCloudKeys). */
const foundAtMost = 200;

/** For whoever looks after the appliance; in a vault `show` takes every name. */
export function addKeyLookup(cloudKey: Command): void {
  example(
    cloudKey
      .command('find')
      .addArgument(cloudKeyArgument('name'))
      .description('find the vault that a CloudKey belongs to, for appliance administrators')
      .action(async (name: string, _: unknown, command: Command) =>
        withApi(command, async ({ client, options, vaultId }) => {
          if (vaultId !== undefined)
            throw new CliError(
              'usage',
              'this looks through all vaults, and you are signed in to one',
              `in this vault: holdfast cloud-key show ${name}`,
            );
          const { cloudKeys } = await client.post(at('/cloud-keys/find'), { called: name });
          if (cloudKeys.length === 0)
            throw new CliError(
              'notFound',
              'no vault has such a CloudKey',
              'the whole name, as AWS or the ticket has it',
            );
          printList(
            cloudKeys,
            {
              vault: ({ vaultName }) => vaultName,
              'key set': ({ keySetName }) => keySetName,
              name: ({ name: called }) => called,
              state: ({ effectiveState }) => effectiveState,
              'frozen since': { of: ({ frozenSince }) => frozenSince, rank: 8 },
              'vault id': { of: (key) => key.vaultId, wide: true },
              id: ({ id }) => id,
            },
            options,
          );
          if (cloudKeys.length >= foundAtMost)
            note(
              `holdfast: these are the first ${foundAtMost}, and there may be more: a name may be that of a key in every vault. The ` +
                'ARN or id of the KMS key finds the one',
            );
        }),
      ),
    'holdfast cloud-key find arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab',
    'holdfast cloud-key find alias/payroll',
  );
}
