import type { Command } from 'commander';
import type { TokenReport } from '../admin/services.ts';
import { withApi } from './api.ts';
import { CliError } from './cli-error.ts';
import { example } from './example.ts';
import { fields, isForPrograms, printList, printRecord } from './output.ts';

export function addTokenCommands(program: Command): void {
  const token = program.command('token').description('the HSM tokens that the node is configured with');
  example(
    token
      .command('list')
      .description('list the tokens')
      .action(async (_: unknown, command: Command) =>
        withApi(command, async ({ client, options }) =>
          printList(
            await client.list('/tokens'),
            fields('name', 'health', 'profile', 'vaults', 'vendor', 'model'),
            options,
          ),
        ),
      ),
    'holdfast token list',
  );
  example(
    token
      .command('show <token>')
      .description('show a token, its health and its hosts')
      .action(async (name: string, _: unknown, command: Command) =>
        withApi(command, async ({ client, options }) =>
          printRecord(await client.get(`/tokens/${encodeURIComponent(name)}`), options),
        ),
      ),
    'holdfast token show primary',
  );
  example(
    token
      .command('verify <token>')
      .description('open a connection to the token of its own: log in, list mechanisms, test, each timed')
      .action(async (name: string, _: unknown, command: Command) =>
        withApi(command, async ({ client, options }) => {
          const path = `/tokens/${encodeURIComponent(name)}/verify`;
          const report = await client.send<TokenReport>({ method: 'POST', path });
          if (isForPrograms(options)) printRecord(report, options);
          else printReport(report);
          // A script must be able to tell.
          if (!report.ok) throw new CliError('tokenUnavailable', 'the token cannot be used', report.wayOut);
        }),
      ),
    'holdfast token verify primary',
  );
}

function printReport({ steps, info, mechanisms }: TokenReport): void {
  printList(
    steps,
    {
      step: ({ name }) => name,
      result: ({ ok }) => (ok ? 'ok' : 'FAILED'),
      ms: ({ milliseconds }) => Math.round(milliseconds * 100) / 100,
      detail: ({ detail }) => detail,
    },
    {},
  );
  if (info !== undefined) printRecord(info, {});
  // All of them with --json: a token has a hundred, and those of AES are what matters here.
  if (mechanisms !== undefined)
    printRecord({ mechanisms: mechanisms.length, 'of AES': mechanisms.filter((one) => /AES/.test(one)) }, {});
}
