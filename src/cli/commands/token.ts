import { Option, type Command } from 'commander';
import { counted } from '../../counted.ts';
import { at } from '../client/address.ts';
import type { Schemas } from '../client/api-types.ts';
import { withApi } from '../client/api.ts';
import { memberInWords } from '../client/member-words.ts';
import { CliError } from '../output/cli-error.ts';
import { example } from '../output/example.ts';
import {
  fields,
  isForPrograms,
  printChanged,
  printList,
  printRecord,
  type OutputOptions,
} from '../output/output.ts';
import type { ProbeOptions } from '../node/token-probe.ts';
import {
  hostsInWords,
  ivsInWords,
  minutesInWords,
  notEverywhereInWords,
  queueInWords,
} from '../records/token-words.ts';
import {
  parseCount,
  parseMechanism,
  parseProfileName,
  parseVariable,
  reasonIn,
  reasonOption,
  type Reasoned,
} from '../output/values.ts';

export function addTokenCommands(program: Command): void {
  const token = program.command('token').description('the HSM tokens that the node is configured with');
  example(
    token
      .command('list')
      .description('list the tokens')
      .action(async (_: unknown, command: Command) =>
        withApi(command, async ({ client, options }) =>
          printList(
            await client.list(at('/tokens')),
            {
              ...fields('name', 'health'),
              'HSMs up': hsmsUp,
              ...fields('profile', 'vaults', 'vendor', 'model'),
            },
            options,
          ),
        ),
      ),
    'holdfast token list',
  );
  example(
    token
      .command('show <token>')
      .description(
        'show a token: its HSMs with firmware and slot, how IVs are made, its queue, its hosts and their last checks',
      )
      .action(async (name: string, _: unknown, command: Command) =>
        withApi(command, async ({ client, options }) =>
          printToken(await client.get(at('/tokens/{token}', { token: name })), options),
        ),
      ),
    'holdfast token show primary',
  );
  addRecordErased(token);
  example(
    token
      .command('verify <token>')
      .description(
        'verify a token over a new connection: log in, list mechanisms, self-test, each timed; in a vault, whether each step succeeds',
      )
      .action(async (name: string, _: unknown, command: Command) =>
        withApi(command, async (api) => {
          const { client, options } = api;
          const report = await client.post(api.here('/tokens/{token}/verify', { token: name }));
          if (isForPrograms(options)) printRecord(report, options);
          else printReport(report);
          // A script must be able to tell.
          if (!report.ok)
            throw new CliError(
              'tokenUnavailable',
              'the token cannot be used',
              report.remediation ?? undefined,
            );
        }),
      ),
    'holdfast token verify primary',
  );
  addProbe(token);
}

function addRecordErased(token: Command): void {
  example(
    token
      .command('record-erased <token> <replaced>')
      .description(
        'record that no key object is left in a token that another replaced, or in an HSM that was taken out of the configuration, so that what was to be destroyed in it counts as destroyed',
      )
      .addOption(reasonOption())
      .action(async (name: string, replacedId: string, input: Reasoned, command: Command) =>
        withApi(command, async ({ client, options }) => {
          const address = at('/tokens/{token}/replaced/{replacedId}/record-erased', {
            token: name,
            replacedId,
          });
          const told = await client.post(address, reasonIn(input));
          printChanged(
            `it is on record that no key object of token ${name} is left in ${replacedId}`,
            told,
            options,
          );
        }),
      ),
    'holdfast token record-erased primary 5f0c7a52-2d0e-4a38-9f0e-0d7a4e0c9b11',
  );
}

function printToken(token: Schemas['Token'], options: OutputOptions): void {
  if (isForPrograms(options)) return printRecord(token, options);
  const { name, profile, vendor, model, health, vaults, members, replaced } = token;
  const lacking = notEverywhereInWords(token);
  printRecord(
    {
      ...{ name, profile, vendor, model, health, vaults },
      HSMs: members.map(memberInWords),
      ...(lacking === undefined ? {} : { 'keys not on every HSM': lacking }),
      IVs: ivsInWords(token),
      queue: queueInWords(token),
      lately: minutesInWords(token),
      hosts: hostsInWords(token),
      replaced: replaced.map(replacedInWords),
    },
    options,
  );
}

function hsmsUp({ members }: Schemas['Token']): string {
  return `${members.filter(({ health }) => health !== 'UNAVAILABLE').length} of ${members.length}`;
}

function replacedInWords(token: Schemas['Token']['replaced'][number]): string {
  const { id, kind, serials, replacedAt, erasedAt, keyVersions } = token;
  const serial = serials.length === 0 ? 'serial not on record' : `serial ${serials.join(' or ')}`;
  const erased = erasedAt === null ? 'not erased as far as is on record' : `erased since ${erasedAt}`;
  const since = kind === 'member' ? 'an HSM that is not asked, noticed' : 'replaced';
  return `${id}: ${serial}, ${since} ${replacedAt}, ${erased}, ${counted(keyVersions, 'key version')} left in it`;
}

/** It needs no node: what it is made of is loaded only where it runs. */
function addProbe(token: Command): void {
  example(
    token
      .command('probe')
      .description(
        'try a token that has no profile yet, with no node and no configuration, and print a profile that works for it, or why none does',
      )
      .requiredOption('--module <path>', 'the PKCS#11 module, a shared library')
      .option('--label <label>', 'choose the token by its label')
      .option('--serial <serial>', 'choose it by its serial number')
      .addOption(
        new Option('--slot <number>', 'choose it by the module’s number of its slot').argParser(
          parseCount(0, 999_999_999),
        ),
      )
      .option(
        '--pin-file <file>',
        'file with the user PIN, mode 0600, or "-" for standard input; without it the terminal is asked',
      )
      .addOption(
        new Option(
          '--environment <name=value>',
          'environment variable for the module; may come several times',
        ).argParser(parseVariable),
      )
      .option('--initialize-parameters <text>', 'library parameters for C_Initialize (NSS)')
      .addOption(
        new Option('--gcm-mechanism <number>', 'the vendor’s own number for AES-GCM').argParser(
          parseMechanism,
        ),
      )
      .addOption(
        new Option('--name <name>', 'name of the profile; of the token’s model if omitted').argParser(
          parseProfileName,
        ),
      )
      .option('--write <file>', 'a new file for the profile, NAME.toml; standard output if omitted')
      .addOption(
        new Option('--timeout <seconds>', 'how long one call of the module’s may take')
          .argParser(parseCount(1, 600))
          .default(20),
      )
      .option(
        '--force',
        'try the PIN even where the token says that one more wrong one locks it, or that it is locked',
      )
      .action(async (options: ProbeOptions, command: Command) =>
        (await import('../node/token-probe.ts')).runProbe(options, command),
      ),
    'holdfast token probe --module /opt/acme/lib/libacme-p11.so --label keys --pin-file pin --write acme.toml',
    'holdfast token probe --module /usr/lib/softhsm/libsofthsm2.so --serial 0f1e2d3c4b5a6978',
  );
}

type Report = Schemas['TokenReport'] | Schemas['VaultTokenReport'];

function printReport(report: Report): void {
  printList<Report['steps'][number]>(
    report.steps,
    {
      step: ({ name }) => name,
      result: ({ ok }) => (ok ? 'ok' : 'FAILED'),
      ms: ({ milliseconds }) => Math.round(milliseconds * 100) / 100,
      ...('at' in report
        ? {}
        : { detail: (step: Report['steps'][number]) => ('detail' in step ? step.detail : '') }),
    },
    {},
  );
  if ('at' in report) {
    printRecord({ ...report.hsm, 'verified at': report.at }, {});
    return;
  }
  const { info, mechanisms } = report;
  if (info !== undefined) printRecord(info, {});
  // All of them with --json: a token has a hundred, and those of AES are what matters here.
  if (mechanisms !== undefined)
    printRecord(
      { mechanisms: mechanisms.length, 'AES mechanisms': mechanisms.filter((one) => /AES/.test(one)) },
      {},
    );
}
