import type { Command } from 'commander';
import { counted } from '../../counted.ts';
import { at } from '../client/address.ts';
import { withApi } from '../client/api.ts';
import { example } from '../output/example.ts';
import type { Schemas } from '../client/api-types.ts';
import {
  fields,
  isForPrograms,
  printChanged,
  printDone,
  printList,
  printRecord,
  type OutputOptions,
} from '../output/output.ts';
import { reasonIn, reasonOption, type Reasoned } from '../output/values.ts';

export function addNodeCommands(program: Command): void {
  const node = program.command('node').description('the nodes of the appliance');
  example(
    node
      .command('list')
      .description(
        'list the nodes with state, whether they serve, version, start time and when they were last seen',
      )
      .action(async (_: unknown, command: Command) =>
        withApi(command, async ({ client, options }) =>
          printList(
            await client.list(at('/nodes')),
            {
              ...fields('hostname', 'state', 'serves', 'version', 'startedAt', 'lastSeenAt'),
              // What the other commands take.
              id: { of: ({ id }) => id, wide: false },
              tokens: { of: ({ tokens }) => (tokens ?? []).map(tokenInWords), wide: true },
              'clock offset': {
                of: ({ clockOffsetMilliseconds }) => offset(clockOffsetMilliseconds),
                wide: true,
              },
              revision: { of: ({ revision }) => revision, wide: true },
            },
            options,
            { name: ({ id }) => id },
          ),
        ),
      ),
    'holdfast node list',
  );
  example(
    node
      .command('show <node>')
      .description('show a node, its tokens, its clock and what it says of the database')
      .action(async (id: string, _: unknown, command: Command) =>
        withApi(command, async ({ client, options }) =>
          printNode(await client.get(at('/nodes/{nodeId}', { nodeId: id })), options),
        ),
      ),
    'holdfast node show 0b6d9b2e-3a55-4f5f-8f57-3f4a1c1f6a10',
  );
  addNodeActs(node);
}

function addNodeActs(node: Command): void {
  example(
    node
      .command('drain <node>')
      .description('have load balancers and the schedules pass a node over, before it is stopped')
      .action(async (id: string, _: unknown, command: Command) =>
        withApi(command, async ({ client, options }) => {
          const drained = await client.post(at('/nodes/{nodeId}/drain', { nodeId: id }));
          printChanged(
            `node ${drained.hostname} is drained: within ten seconds /ready answers 503 there; it serves what still comes, until it is stopped`,
            drained,
            options,
          );
        }),
      ),
    'holdfast node drain 0b6d9b2e-3a55-4f5f-8f57-3f4a1c1f6a10',
  );
  example(
    node
      .command('undrain <node>')
      .description('have a node take its part of the work again')
      .action(async (id: string, _: unknown, command: Command) =>
        withApi(command, async ({ client, options }) => {
          const back = await client.post(at('/nodes/{nodeId}/undrain', { nodeId: id }));
          printChanged(`node ${back.hostname} takes its part of the work again`, back, options);
        }),
      ),
    'holdfast node undrain 0b6d9b2e-3a55-4f5f-8f57-3f4a1c1f6a10',
  );
  example(
    node
      .command('remove <node>')
      .description('forget a node that is no more; refused while it is up')
      .addOption(reasonOption())
      .action(async (id: string, input: Reasoned, command: Command) =>
        withApi(command, async ({ client, options }) => {
          const body = reasonIn(input);
          const node = at('/nodes/{nodeId}', { nodeId: id });
          await client.send('DELETE', node, body === undefined ? {} : { body });
          printDone(`node ${id} is removed`, { id, removed: true }, options);
        }),
      ),
    'holdfast node remove 0b6d9b2e-3a55-4f5f-8f57-3f4a1c1f6a10',
  );
}

function printNode(node: Schemas['Node'], options: OutputOptions): void {
  if (isForPrograms(options)) return printRecord(node, options);
  const { tokens, database, leases, clockOffsetMilliseconds, ...rest } = node;
  printRecord(
    {
      ...rest,
      clockOffset: offset(clockOffsetMilliseconds),
      database: database === null ? null : [database.kind, database.durability].filter(Boolean).join(', '),
      databaseProblems: database?.problems ?? null,
      leases: leasesInWords(leases),
      tokens: tokens?.map(tokenInWords) ?? null,
    },
    options,
  );
}

function tokenInWords(token: NonNullable<Schemas['Node']['tokens']>[number]): string {
  const { name, health, hostsUp, hosts, serial, label, firmware, model } = token;
  // A node of an older version does not tell its firmware.
  const runs = firmware ? `, firmware ${firmware}` : '';
  const known = serial === null ? '' : `, serial ${serial}, label ${label ?? ''}${runs}`;
  return `${name} ${health}, ${hostsUp} of ${counted(hosts, 'host')}, ${model}${known}`;
}

function leasesInWords(leases: Schemas['Node']['leases'] | undefined): string | null {
  if (leases === undefined) return 'not told by this node’s version';
  if (leases === null) return null;
  const { workers, seconds, confirmedRevision } = leases;
  const confirmed =
    confirmedRevision === null
      ? 'not all have confirmed a revision yet'
      : `revision ${confirmedRevision} confirmed by all`;
  return `${counted(workers, 'XKS worker')}, ${seconds} s at a time, ${confirmed}`;
}

function offset(milliseconds: number | null): string | null {
  return milliseconds === null ? null : `${(milliseconds / 1000).toFixed(3)} s`;
}
