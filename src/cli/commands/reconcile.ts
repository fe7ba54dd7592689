import type { Command } from 'commander';
import type { Schemas } from '../client/api-types.ts';
import { one } from '../client/address.ts';
import { withApi } from '../client/api.ts';
import { example } from '../output/example.ts';
import { fields, isForPrograms, type OutputOptions, printList, printRecord } from '../output/output.ts';
import { limitOption } from '../output/values.ts';

export function addReconcileCommands(program: Command): void {
  const reconcile = program
    .command('reconcile')
    .description('compare the key records with what the tokens hold');
  example(
    reconcile
      .command('run')
      .description('compare now, complete or roll back what was interrupted, and report the rest')
      .action(async (_: unknown, command: Command) =>
        withApi(command, async ({ client, options, here }) =>
          printReport(await client.create(here('/reconciliations')), options),
        ),
      ),
    'holdfast reconcile run',
  );
  example(
    reconcile
      .command('list')
      .description('list the reports, newest first')
      .addOption(limitOption())
      .action(async ({ limit }: { limit?: number }, command: Command) =>
        withApi(command, async ({ client, options, here }) =>
          printList(
            await client.list(here('/reconciliations'), undefined, limit),
            {
              // They have no other name.
              id: { of: ({ id }) => id, wide: false },
              ...fields('clean', 'beganAt', 'endedAt', 'askedBy'),
            },
            options,
          ),
        ),
      ),
    'holdfast reconcile list --limit 10',
  );
  example(
    reconcile
      .command('show <id>')
      .description('show a report')
      .action(async (id: string, _: unknown, command: Command) =>
        withApi(command, async ({ client, options, here }) =>
          printReport(await client.get(one(here('/reconciliations'), id)), options),
        ),
      ),
    'holdfast reconcile show 0b6d9b2e-3a55-4f5f-8f57-3f4a1c1f6a10',
  );
}

function printReport(report: Schemas['Reconciliation'], options: OutputOptions): void {
  if (isForPrograms(options)) {
    printRecord(report, options);
    return;
  }
  const { tokens, ...rest } = report;
  printRecord(rest, options);
  printList(
    tokens,
    {
      token: ({ token }) => token,
      compared: ({ compared }) => compared,
      problem: ({ problem }) => problem,
      'key objects': ({ keyObjects }) => keyObjects,
      ...Object.fromEntries(
        Object.keys(tokens[0]?.counts ?? {}).map((kind) => [
          kind,
          ({ counts }: (typeof tokens)[number]) => counts[kind as keyof typeof counts],
        ]),
      ),
    },
    options,
  );
  const findings = tokens.flatMap(({ token, findings }) => findings.map((one) => ({ token, ...one })));
  if (findings.length > 0)
    printList(
      findings,
      {
        token: ({ token }) => token,
        finding: ({ kind }) => kind,
        outcome: ({ outcome }) => outcome,
        CloudKey: ({ name }) => name,
        version: ({ version }) => version,
        CKA_ID: ({ objectId }) => objectId,
        detail: ({ detail }) => detail,
      },
      options,
    );
}
