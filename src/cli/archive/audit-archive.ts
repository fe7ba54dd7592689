import { setTimeout as pause } from 'node:timers/promises';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { archiveVersion, type ArchiveHeader, type ArchiveTrailer } from '../../evidence/archive.ts';
import type { AuditEvent } from '../../evidence/event.ts';
import { wallClock } from '../../clock.ts';
import { ArchiveError, ArchiveFile, verifyArchive } from './audit-archive-file.ts';
import { prune, trailOf, type AuditTrail } from './audit-prune.ts';
import { isProblem } from '../client/api-client.ts';
import { withApi, type Api } from '../client/api.ts';
import { CliError } from '../output/cli-error.ts';
import { example } from '../output/example.ts';
import { fields, printList, printRecord } from '../output/output.ts';
import { note } from '../output/streams.ts';
import { limitOption, parsePast } from '../output/values.ts';
import { counted } from '../../counted.ts';

interface ArchiveInput {
  file: string;
  before?: string;
  olderThan?: string;
  from?: string;
  gzip?: boolean;
  prune?: boolean;
  deletedVault?: string;
}

/** A trail of millions is asked for in more requests than an API key may send in a minute: then it is waited, milliseconds. */
const busyPause = 2_000;
const maxBusy = 5 * 60_000;

// oxlint-disable-next-line max-lines-per-function -- a list of commands
export function addArchiveCommands(audit: Command): void {
  example(
    audit
      .command('archive')
      .description(
        'archive events to a file and verify it; with --prune, the node then deletes them from the trail',
      )
      .requiredOption('--file <file>', 'a new file of mode 0600; compressed where its name ends in .gz')
      .addOption(
        new Option('--older-than <time>', 'events older than this, such as 400d').argParser(parseAge),
      )
      .addOption(new Option('--before <when>', 'events before this date or time').argParser(parsePast))
      .addOption(
        new Option(
          '--from <when>',
          'from this date or time on, or this long ago; if omitted, from where the trail was last pruned to',
        ).argParser(parsePast),
      )
      .option('--gzip', 'compress it, whatever its name')
      .option('--prune', 'once the file is verified, delete exactly these events from the trail')
      .option('--deleted-vault <id>', 'the trail of this deleted vault, for administrators of the appliance')
      .action(async (input: ArchiveInput, command: Command) =>
        withApi(command, async (api) => archive(api, input)),
      ),
    'holdfast audit archive --older-than 400d --file audit-2026-11.jsonl.gz',
    'holdfast audit archive --before 2026-01-01 --file audit-2025.jsonl.gz --prune',
  );
  example(
    audit
      .command('verify-archive <file>')
      .description('check that an archive is complete and unchanged; needs no node')
      .action(async (file: string, _: unknown, command: Command) => {
        const { header, trailer } = await verifyArchive(file);
        printRecord(tellArchive(file, header, trailer), command.optsWithGlobals());
      }),
    'holdfast audit verify-archive audit-2025.jsonl.gz',
  );
  example(
    audit
      .command('prune <archive>')
      .description(
        'verify an archive, then have the node delete exactly the events in it; goes on where it was cut off',
      )
      .action(async (file: string, _: unknown, command: Command) =>
        withApi(command, async (api) => {
          const { header, trailer } = await verifyArchive(file);
          const pruning = await prune(api, header, trailer);
          printRecord({ ...tellArchive(file, header, trailer), pruning }, api.options);
        }),
      ),
    'holdfast audit prune audit-2025.jsonl.gz',
  );
  example(
    audit
      .command('prunings')
      .description('list which events were deleted from the trail, when, and who requested it')
      .option('--deleted-vault <id>', 'the trail of this deleted vault, for administrators of the appliance')
      .addOption(limitOption())
      .action(async ({ limit, ...query }: { limit?: number; deletedVault?: string }, command: Command) =>
        withApi(command, async ({ client, options, here }) =>
          printList(
            await client.list(here('/audit-prunings'), query, limit),
            {
              ...fields('askedAt', 'state', 'from', 'before', 'count', 'deleted', 'kept'),
              by: ({ actor }) => actor.name,
              ...fields('problem', 'id'),
            },
            options,
          ),
        ),
      ),
    'holdfast audit prunings',
  );
}

async function archive(api: Api, input: ArchiveInput): Promise<void> {
  const before = input.before ?? input.olderThan;
  if (before === undefined || (input.before !== undefined && input.olderThan !== undefined))
    throw new CliError('usage', 'up to when is not clear', 'either --older-than 400d or --before 2026-01-01');
  const { file } = input;
  const reserved = await ArchiveFile.reserve(file);
  let header: ArchiveHeader;
  try {
    const trail = await trailOf(api, input.deletedVault);
    if (input.prune === true) assertPrunable(trail, before);
    header = headerOf(trail, input.from ?? trail.prunedBefore, before);
  } catch (error) {
    await reserved.discard();
    throw error;
  }
  const gzip = input.gzip === true || file.endsWith('.gz');
  const written = await reserved.write(header, eventsOf(api, header, input.deletedVault), gzip);
  if (written === undefined) {
    note(
      `holdfast: there are no events ${header.from === null ? '' : `from ${header.from} `}before ${before}: no archive`,
    );
    return;
  }
  const { trailer } = await verifyArchive(file);
  // What is on the disk is what came, to the last byte and event.
  if (trailer.sha256 !== written.sha256 || trailer.count !== written.count)
    throw new ArchiveError(
      file,
      'is not on the disk as it was written',
      'the disk; then archive anew, to another one',
    );
  const pruning = input.prune === true ? { pruning: await prune(api, header, trailer) } : {};
  printRecord({ ...tellArchive(file, header, trailer), ...pruning }, api.options);
}

function assertPrunable({ prunableBefore, keepAtLeastDays }: AuditTrail, before: string): void {
  if (before > prunableBefore)
    throw new CliError(
      'usage',
      `the node keeps events for ${counted(keepAtLeastDays, 'day')} at least: none from ${prunableBefore} on is pruned`,
      `--older-than ${keepAtLeastDays + 1}d; or without --prune`,
    );
}

function headerOf({ node, vault }: AuditTrail, from: string | null, before: string): ArchiveHeader {
  if (from !== null && from >= before)
    throw new CliError(
      'usage',
      `there is nothing between ${from} and ${before}`,
      'another --from, or a later --before',
    );
  return {
    ...{ format: 'holdfast-audit-archive', version: archiveVersion },
    ...{ node, vault, from, before, madeAt: wallClock().toISOString(), checkpoints: [] },
  };
}

/** All events of the range, the oldest first. */
async function* eventsOf(
  { client, here }: Api,
  { from, before }: ArchiveHeader,
  deletedVault: string | undefined,
): AsyncGenerator<AuditEvent[]> {
  const query = { sort: 'sequence', from: from ?? undefined, to: before, deletedVault } as const;
  let cursor: string | undefined;
  do {
    const { items, next } = await patiently(async () => client.page(here('/audit-events'), query, cursor));
    yield items;
    cursor = next ?? undefined;
  } while (cursor !== undefined);
}

async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (let waited = 0; ; waited += busyPause)
    try {
      return await ask();
    } catch (error) {
      if (!isProblem(error, 'too-many-requests') || waited >= maxBusy) throw error;
      await pause(busyPause);
    }
}

function tellArchive(file: string, header: ArchiveHeader, trailer: ArchiveTrailer): Record<string, unknown> {
  const { vault, node, from, before, madeAt } = header;
  const { count, first, last, eventsSha256, sha256 } = trailer;
  return {
    ...{ file, trail: vault === null ? 'appliance' : `vault ${vault.name} (${vault.id})` },
    ...{ node: node.id, madeAt },
    ...{ from, before, count, first, last, eventsSha256, sha256, verified: true },
  };
}

function parseAge(text: string): string {
  if (!/^\d+(?:h|d|w|mo|min)$/.test(text)) throw new InvalidArgumentError('an age, such as 400d or 13mo.');
  return parsePast(text);
}
