import type { Command } from 'commander';
import { at } from '../client/address.ts';
import { withApi } from '../client/api.ts';
import { example } from '../output/example.ts';
import { fields, printList } from '../output/output.ts';

export function addNodeCommands(program: Command): void {
  const node = program.command('node').description('the machines that serve');
  example(
    node
      .command('list')
      .description('list the nodes: version, started when, last seen when')
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
