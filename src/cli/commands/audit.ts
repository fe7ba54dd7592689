import { Option, type Command } from 'commander';
import type { Schemas } from '../client/api-types.ts';
import { addArchiveCommands } from '../archive/audit-archive.ts';
import { withApi } from '../client/api.ts';
import { example } from '../output/example.ts';
import { printList, type Columns } from '../output/output.ts';
import { parseCount, parsePast } from '../output/values.ts';

interface AuditInput {
  sequence?: number;
  action?: string;
  actor?: string;
  target?: string;
  requestId?: string;
  from?: string;
  to?: string;
  outcome?: AuditEvent['outcome'];
  deletedVault?: string;
  oldestFirst?: boolean;
  limit: number;
  all?: boolean;
}

/** A trail may be longer than anyone wants to see at once. */
const maxUnasked = 100;

export function addAuditCommands(program: Command): void {
  const audit = program
    .command('audit')
    .description('the audit trail of the vault that you are signed in to, or of the appliance');
  example(
    audit
      .command('list')
      .description('list who did what, when and from where, including refused acts and sign-ins')
      .addOption(
        new Option('--sequence <number>', 'only the event with this number').argParser(
          parseCount(1, 999_999_999_999_999),
        ),
      )
      .option(
        '--action <action>',
        'only this action, such as cloud-key.disable, or all that start with a prefix: cloud-key.',
      )
      .option('--actor <actor>', 'only acts of this user or API key, by name or id')
      .option('--target <target>', 'only acts on this target, by name or id')
      .option('--request-id <id>', 'only what this request did; each refusal and the log tell its id')
      .addOption(
        new Option('--outcome <outcome>', 'only what was done, or refused').choices(['done', 'refused']),
      )
      .addOption(momentOption('--from <when>', 'from this date or time on, or this long ago: 30d'))
      .addOption(momentOption('--to <when>', 'before this date or time, or this long ago'))
      .addOption(
        new Option('--limit <n>', 'at most this many')
          .argParser(parseCount(1, 1_000_000))
          .default(maxUnasked),
      )
      .option('--oldest-first', 'oldest first instead of newest first')
      .option('--deleted-vault <id>', 'the trail of this deleted vault, for administrators of the appliance')
      .option('--all', 'everything, regardless of --limit')
      .action(async ({ limit, all, oldestFirst, ...query }: AuditInput, command: Command) =>
        withApi(command, async ({ client, options, here, vaultId = '' }) =>
          printList(
            await client.list(
              here('/audit-events'),
              { ...query, sort: oldestFirst === true ? 'sequence' : '-sequence' },
              all === true ? undefined : limit,
            ),
            columnsOf(query.deletedVault ?? vaultId),
            options,
            { name: ({ sequence }) => sequence },
          ),
        ),
      ),
    'holdfast audit list --action cloud-key.disable --from 2027-01-01',
    'holdfast --json audit list --all > audit.json',
  );
  addArchiveCommands(audit);
}

type AuditEvent = Schemas['AuditEvent'];

/** `ofTrail`: whose trail it is, by the id of its vault; '' for the appliance. */
function columnsOf(ofTrail: string): Columns<AuditEvent> {
  return {
    at: ({ at }) => at,
    action: ({ action }) => action,
    outcome: ({ outcome }) => outcome,
    by: { of: ({ actor }) => byWords(actor, ofTrail), rank: 4 },
    // Where there is no room for both: what it was done to tells more than who did it.
    target: { of: ({ target }) => `${target.kind} ${target.name}`, rank: 3 },
    from: { of: ({ address }) => address, rank: 5 },
    reason: { of: ({ after }) => after?.['reason'], freeText: true, wide: true },
    after: { of: ({ after }) => after, freeText: true, rank: 6 },
  };
}

/** Who is not of the trail's own vault, or of the appliance in its own trail, is told so: names may be the same. */
function byWords({ kind, name, vaultId }: AuditEvent['actor'], ofTrail: string): string {
  const who = `${kind} ${name}`;
  if (vaultId === undefined || vaultId === ofTrail) return who;
  return vaultId === '' ? `${who} of the appliance` : `${who} of vault ${vaultId}`;
}

function momentOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser(parsePast);
}
