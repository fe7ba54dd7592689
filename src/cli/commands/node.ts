import type { Command } from 'commander';
import { at } from '../client/address.ts';
import { withApi } from '../client/api.ts';
import { example } from '../output/example.ts';
import { fields, printList } from '../output/output.ts';

export function addNodeCommands(program: Command): void {
  const node = program.command('node').description('the nodes of the appliance');
  example(
    node
      .command('list')
      .description('list the nodes with version, start time and when they were last seen')
      .action(async (_: unknown, command: Command) =>
        withApi(command, async ({ client, options }) =>
          printList(
            await client.list(at('/nodes')),
            fields('hostname', 'state', 'version', 'startedAt', 'lastSeenAt', 'id'),
            options,
          ),
        ),
      ),
    'holdfast node list',
  );
}
