import { Option, type Command } from 'commander';
import { at } from '../client/address.ts';
import type { Schemas } from '../client/api-types.ts';
import { given, withApi } from '../client/api.ts';
import { readCa } from '../client/connection.ts';
import { example } from '../output/example.ts';
import { printChanged, printDone, printRecord } from '../output/output.ts';
import { readSecret } from '../client/prompt.ts';
import { parseCount, reasonIn, reasonOption, type Reasoned } from '../output/values.ts';

const settings = at('/mail');

interface MailInput {
  host: string;
  port: number;
  security: Schemas['MailSettings']['security'];
  from: string;
  username?: string;
  passwordFile?: string;
  keepPassword?: boolean;
  mailCa?: string;
}

// oxlint-disable-next-line max-lines-per-function -- a list of commands
export function addMailCommands(program: Command): void {
  const mail = program
    .command('mail')
    .description('the SMTP server that first passwords and notices go through');
  example(
    mail
      .command('show')
      .description('show the mail settings; the password is not shown')
      .action(async (_: unknown, command: Command) =>
        withApi(command, async ({ client, options }) => printRecord(await client.get(settings), options)),
      ),
    'holdfast mail show',
  );
  example(
    mail
      .command('set')
      .description('set up mail, replacing the current settings')
      .requiredOption('--host <name>', 'SMTP server')
      .addOption(new Option('--port <port>', 'its port').argParser(parseCount(1, 65_535)).default(587))
      .addOption(
        new Option(
          '--security <how>',
          'TLS from the first byte, or STARTTLS; none only for a server on this machine',
        )
          .choices(['tls', 'starttls', 'none'])
          .default('starttls'),
      )
      .requiredOption('--from <address>', 'sender of the mail')
      .option('--username <name>', 'username on the server')
      .option('--password-file <file>', 'a file of mode 0600 with the password, or - for standard input')
      .option('--keep-password', 'keep the stored password; only if server and username stay the same')
      .option('--mail-ca <file>', 'CA certificates to verify the server with, instead of the system’s')
      .action(async (input: MailInput, command: Command) =>
        withApi(command, async ({ client, options }) => {
          const { host, port, security, from, username, passwordFile: file } = input;
          const password =
            username === undefined || input.keepPassword === true
              ? undefined
              : (await readSecret({ what: 'password', option: '--password-file', file })).reveal();
          const caCertificates = input.mailCa === undefined ? undefined : readCa(input.mailCa);
          const body = given({ host, port, security, from, username, password, caCertificates });
          printChanged(
            `mail goes through ${host}:${port}, from ${from}; try it: holdfast mail test ADDRESS`,
            await client.put(settings, body),
            options,
          );
        }),
      ),
    'holdfast mail set --host smtp.example.com --from holdfast@example.com --username holdfast --password-file smtp.password',
  );
  example(
    mail
      .command('delete')
      .description('turn mail off: first passwords are shown to whoever creates the user')
      .addOption(reasonOption())
      .action(async (input: Reasoned, command: Command) =>
        withApi(command, async ({ client, options }) => {
          await client.remove(settings, undefined, reasonIn(input));
          printDone('mail is off', { deleted: true }, options);
        }),
      ),
    'holdfast mail delete',
  );
  example(
    mail
      .command('test <address>')
      .description('send a test message now, and show the server’s answer')
      .action(async (to: string, _: unknown, command: Command) =>
        withApi(command, async ({ client, options }) => {
          await client.post(at('/mail/test'), { to });
          printDone('the server has taken the mail', { sent: true }, options);
        }),
      ),
    'holdfast mail test ada@example.com',
  );
}
