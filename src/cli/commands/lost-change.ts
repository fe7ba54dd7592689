import type { Command } from 'commander';
import { counted } from '../../counted.ts';
import { at } from '../client/address.ts';
import { withApi } from '../client/api.ts';
import { CliError } from '../output/cli-error.ts';
import { example } from '../output/example.ts';
import { fields, printDone, printList } from '../output/output.ts';
import { reasonIn, reasonOption, type Reasoned } from '../output/values.ts';

export function addLostChangeCommands(program: Command): void {
  const lost = program
    .command('lost-change')
    .description('what the store has lost by going back in time, until somebody has decided on it');
  example(
    lost
      .command('list')
      .description('list the changes that the store has lost, and what they took away')
      .option('--decided', 'also those on which somebody has decided')
      .action(async (input: { decided?: true }, command: Command) =>
        withApi(command, async ({ client, options }) =>
          printList(
            await client.list(at('/lost-changes'), { open: input.decided === true ? 'false' : 'true' }),
            {
              ...fields('id', 'kind', 'name', 'refused', 'expiresAt', 'noticedAt'),
              without: { of: ({ without }) => without, wide: true },
              revision: { of: ({ revision }) => revision, wide: true },
              node: { of: ({ hostname }) => hostname, wide: true },
              decision: { of: ({ decision }) => decision, wide: true },
            },
            options,
            { name: ({ id }) => id },
          ),
        ),
      ),
    'holdfast lost-change list',
  );
  addDecisions(lost);
}

function addDecisions(lost: Command): void {
  example(
    lost
      .command('apply [lost-changes...]')
      .description(
        'take away again what was taken away in them: disable, freeze, withdraw; nothing is destroyed',
      )
      .option('--all', 'all on which nobody has decided')
      .addOption(reasonOption())
      .action(async (ids: string[], { all, ...input }: Reasoned & { all?: true }, command: Command) =>
        withApi(command, async ({ client, options }) => {
          if ((all === true) === ids.length > 0)
            throw new CliError(
              'usage',
              'which lost changes?',
              'name their ids, or add --all; see holdfast lost-change list',
            );
          const done = await client.post(at('/lost-changes/apply'), {
            lostChanges: all === true ? 'all' : ids,
            ...reasonIn(input),
          });
          printDone(
            `${counted(done.decided, 'lost change')} decided on; ${counted(done.changed, 'record')} changed, the others refuse already or are not there`,
            done,
            options,
          );
        }),
      ),
    'holdfast lost-change apply --all',
  );
  example(
    lost
      .command('leave <lost-changes...>')
      .description('let the older state of the store count: what was taken away in them is usable again')
      .action(async (ids: string[], _: unknown, command: Command) =>
        withApi(command, async ({ client, options }) => {
          const done = await client.post(at('/lost-changes/leave'), { lostChanges: ids });
          printDone(`${counted(done.decided, 'lost change')} left as the store has it`, done, options);
        }),
      ),
    'holdfast lost-change leave 4f0c6f0c2b9b4b0d8c7a1e2f',
  );
}
