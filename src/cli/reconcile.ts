import type { Command } from 'commander';
import { withApi } from './api.ts';
import { example } from './example.ts';
import { fields, printList, printRecord } from './output.ts';
import { limitOption } from './values.ts';

export function addReconcileCommands(program: Command): void {
  const reconcile = program
    .command('reconcile')
    .description('what the store says of keys against what the token holds');
  example(
    reconcile
      .command('run')
      .description('compare now, clear away what was left half done, and report the rest')
      .action(async (_: unknown, command: Command) =>
        withApi(command, async ({ client, options, here }) =>
          printRecord(await client.create(here('/reconciliations')), options),
        ),
      ),
    'holdfast reconcile run',
  );
  example(
    reconcile
      .command('list')
      .description('list the reports')
      .addOption(limitOption())
      .action(async ({ limit }: { limit?: number }, command: Command) =>
        withApi(command, async ({ client, options, here }) =>
          printList(
            await client.list(here('/reconciliations'), {}, limit),
            fields('id', 'beganAt', 'endedAt', 'askedBy'),
            options,
          ),
        ),
      ),
    'holdfast reconcile list',
  );
  example(
    reconcile
      .command('show <id>')
      .description('show a report')
      .action(async (id: string, _: unknown, command: Command) =>
        withApi(command, async ({ client, options, here }) =>
          printRecord(await client.get(here(`/reconciliations/${encodeURIComponent(id)}`)), options),
        ),
      ),
    'holdfast reconcile show 0b6d9b2e-3a55-4f5f-8f57-3f4a1c1f6a10',
  );
}
