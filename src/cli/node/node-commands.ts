import { Option, type Command } from 'commander';
import { example } from '../output/example.ts';
import type { InitInput } from './init.ts';
import type { RestoreInput } from './restore.ts';
import { collect, parseCount, yesOption } from '../output/values.ts';

/*
 * Commands on the node itself. What a node is made of is loaded only where one of them runs: clients of the management
 * API need none of it, and start in half the time.
 */

export function addServeCommand(program: Command): void {
  example(
    program
      .command('serve')
      .description('serve the XKS proxy API in the foreground; SIGTERM drains, SIGHUP reads TLS files again')
      .option(
        '--check',
        'check the configuration and what it names (TLS and PIN files, modules, addresses), then exit: 0, or 78 with every problem',
      )
      .action(async (input: { check?: boolean }, command: Command) =>
        (await import('./serve.ts')).runServe(input, command),
      ),
    'holdfast serve --check',
  );
}

export function addInitCommand(program: Command): void {
  example(
    program
      .command('init')
      .description(
        'make the store or bring it up to date, our own keys in every token, and the first administrator; safe to repeat',
      )
      .option('--administrator <username>', 'name of the first administrator of the appliance', 'admin')
      .option(
        '--password-file <file>',
        'file with the password of the first administrator, mode 0600; without it one is made, shown once',
      )
      .option(
        '--reset-administrator [username]',
        'break-glass: give an administrator who cannot sign in a new first password, without second factor',
      )
      .option(
        '--replace-token <name>',
        'begin anew with the token that is there, in place of the one on record; its CloudKeys and sealed secrets are lost to the node; no node may run',
      )
      .action(async (input: InitInput, command: Command) =>
        (await import('./init.ts')).runInit(input, command),
      ),
    'holdfast init',
    'holdfast init --administrator root --password-file /run/first-password',
    'holdfast init --reset-administrator admin',
    'holdfast init --replace-token hsm',
  );
}

export function addBackupCommand(program: Command): void {
  example(
    program
      .command('backup')
      .description(
        'write a backup of the store while the node runs: records, people and audit trail; no key and no plain secret',
      )
      .requiredOption(
        '--file <file>',
        'where to: a new file, a directory (then named by machine and time), or - for a pipe',
      )
      .action(async (input: { file: string }, command: Command) =>
        (await import('./backup.ts')).runBackup(input, command),
      ),
    'holdfast backup --file /var/backups/holdfast/',
    'holdfast backup --file - | age --recipient age1… > holdfast.backup.age',
  );
}

export function addStoreCommand(program: Command): void {
  const store = program.command('store').description('the store itself');
  example(
    store
      .command('move')
      .description(
        'copy the store to where another configuration has it, a file or a database, and compare every row; while no node runs',
      )
      .requiredOption('--to <file>', 'configuration file whose [store] table says where to')
      .action(async (input: { to: string }, command: Command) =>
        (await import('./store-move.ts')).runStoreMove(input, command),
      ),
    'holdfast store move --to /etc/holdfast/holdfast-postgres.toml',
  );
  example(
    store
      .command('reopen')
      .description(
        'let nodes serve from a store again that was moved, where the other one is lost or the move was given up; what may have been taken away since is taken away',
      )
      .addOption(yesOption())
      .action(async (input: { yes?: boolean }, command: Command) =>
        (await import('./store-reopen.ts')).runStoreReopen(input, command),
      ),
    'holdfast store reopen',
  );
}

export function addRestoreCommand(program: Command): void {
  example(
    program
      .command('restore <file>')
      .description('put a backup of the store in place, while no node runs; - for a pipe')
      .option('--check', 'look only: whether it is whole, and whether the tokens have what it needs')
      .option('--without-token', 'with --check: do not ask the tokens')
      .option('--replace', 'in the place of the store that is there, which is kept under another name')
      .option(
        '--allow-missing-keys',
        'also where a token has not all of its keys, or does not open all of its secrets',
      )
      .option(
        '--as-backed-up',
        'withhold nothing: what was disabled, frozen, withdrawn or revoked since is usable again',
      )
      .action(async (file: string, input: RestoreInput, command: Command) =>
        (await import('./restore.ts')).runRestore(file, input, command),
      ),
    'holdfast restore --check /var/backups/holdfast/holdfast-node-a-20270131T040000Z.backup',
    'holdfast restore --replace /var/backups/holdfast/holdfast-node-a-20270131T040000Z.backup',
    'age --decrypt --identity key.txt holdfast.backup.age | holdfast restore -',
  );
}

export function addQuickstartCommand(program: Command): void {
  example(
    program
      .command('quickstart')
      .description(
        'set up a SoftHSM token, TLS, a store and first keys under HOLDFAST_HOME, and serve (make up)',
      )
      .action(async () => (await import('./quickstart.ts')).runQuickstart()),
    'HOLDFAST_HOME=/tmp/try-it holdfast quickstart',
  );
}

export function addDoctorCommand(program: Command): void {
  example(
    program
      .command('doctor')
      .description(
        'look for what keeps AWS KMS from using this key store: on the node, or with --endpoint from anywhere; it changes nothing of what it looks at',
      )
      .option('--endpoint <url>', 'where AWS KMS goes: https://HOST, as XksProxyUriEndpoint')
      .option(
        '--external-key-store <name>',
        'one of the vault that you are signed in to, by name or id, instead of --endpoint; the findings are kept with it',
      )
      .option('--console-file <file>', 'xks-proxy-config.json with path and credential, mode 0600')
      .addOption(
        new Option(
          '--key <id>',
          'external key id to encrypt and decrypt with; may come several times',
        ).argParser(collect),
      )
      .option('--keys-file <file>', 'file with external key ids, one a line or JSON')
      .option('--connect <address>', 'go to this IP address, with :PORT or without, whatever DNS says')
      .option('--name-server <address>', 'ask this name server, such as 1.1.1.1')
      .option('--ca <file>', 'CA to trust in place of AWS’s list, for private tests')
      .option('--client-certificate <file>', 'client certificate, for mutual TLS')
      .option('--client-key <file>', 'its key, mode 0600')
      .option('--vpc', 'the endpoint is the private DNS name of a VPC endpoint service')
      .addOption(
        new Option(
          '--load <rate>',
          'send this many requests per second, half Encrypt, half Decrypt',
        ).argParser(parseCount(1, 1800)),
      )
      .addOption(new Option('--for <seconds>', 'for so long').argParser(parseCount(1, 60)))
      .option('--backup <path>', 'backup of the store, or directory of them, to tell its age')
      .addOption(
        new Option('--timeout <seconds>', 'for each request; 5 if omitted').argParser(parseCount(1, 3600)),
      )
      .addOption(yesOption())
      .action(async (_: unknown, command: Command) => (await import('./doctor.ts')).runDoctor(command)),
    'holdfast doctor',
    'holdfast doctor --external-key-store payments',
    'holdfast doctor --endpoint https://xks.example.com --console-file xks-proxy-config.json --key 8a1c…',
    'holdfast doctor --endpoint https://xks.example.com --console-file xks-proxy-config.json --key 8a1c… --load 500 --for 10',
  );
}
