import { Option, type Command } from 'commander';
import { withApi } from '../client/api.ts';
import { example } from '../output/example.ts';
import { printList } from '../output/output.ts';
import { limitOption, parsePast } from '../output/values.ts';
import { idOf } from '../records/collection.ts';
import { keySets } from './key-set.ts';
import { addUnexplained } from './unexplained.ts';

interface RequestInput {
  id?: string;
  keySet?: string;
  externalKeyId?: string;
  error?: string;
  principal?: string;
  kmsRequestId?: string;
  from?: string;
  to?: string;
  oldestFirst?: boolean;
  limit?: number;
}

export function addRequestCommands(program: Command): void {
  const request = program
    .command('request')
    .description(
      'requests of AWS KMS: those that were refused or failed, and those that CloudTrail knows nothing of',
    );
  example(
    request
      .command('list')
      .description(
        'list the requests that were answered with an error, newest first: of your vault, or, signed in to the appliance, ' +
          'those that were not authenticated; one line for all of a minute that are the same',
      )
      .option('--id <id>', 'only the line with this id')
      .option('--key-set <key-set>', 'only those to this key set')
      .option('--external-key-id <id>', 'only those for this external key')
      .option('--error <error>', 'only this error of the XKS API, such as InvalidStateException')
      .option('--principal <arn>', 'only those of this caller of AWS KMS')
      .option('--kms-request-id <id>', 'only the line whose last request has this id of AWS KMS')
      .addOption(
        new Option('--from <when>', 'from this date or time on, or this long ago: 24h').argParser(parsePast),
      )
      .addOption(new Option('--to <when>', 'before this date or time, or this long ago').argParser(parsePast))
      .option('--oldest-first', 'oldest first instead of newest first')
      .addOption(limitOption())
      .action(async ({ limit, keySet, oldestFirst, ...query }: RequestInput, command: Command) =>
        withApi(command, async (api) => {
          const keySetId = await idOf(api, keySets, keySet);
          printList(
            await api.client.list(
              api.here('/failed-requests'),
              { ...query, keySetId, sort: oldestFirst === true ? 'lastAt' : '-lastAt' },
              limit,
            ),
            {
              at: ({ lastAt }) => lastAt,
              count: ({ count }) => count,
              operation: { of: ({ operation }) => operation, rank: 6 },
              error: ({ error }) => error,
              reason: { of: ({ reason }) => reason, rank: 3 },
              'key set': { of: ({ keySet: set }) => set?.name, rank: 7 },
              CloudKey: { of: ({ cloudKey, externalKeyId }) => cloudKey?.name ?? externalKeyId, rank: 4 },
              principal: { of: ({ principal }) => principal, rank: 5 },
              'via service': { of: ({ viaService }) => viaService, wide: true },
              from: { of: ({ address }) => address, wide: true },
              'KMS request id': { of: ({ kmsRequestId }) => kmsRequestId, wide: true },
              id: { of: ({ id }) => id, wide: true },
              'what to do': { of: ({ remediation }) => remediation, rank: 8 },
            },
            api.options,
            { name: ({ id }) => id },
          );
        }),
      ),
    'holdfast request list --from 1h',
    'holdfast --json request list --key-set payments --error InvalidStateException',
  );
  addUnexplained(request);
}
