import type { Command } from 'commander';
import { example } from './example.ts';
import type { InitWish } from './init.ts';

/*
 * Commands on the node itself. What a node is made of is loaded only where one of them runs: clients of the management
 * API need none of it, and start in half the time.
 */

export function addServeCommand(program: Command): void {
  example(
    program
      .command('serve')
      .description('serve the XKS proxy API in the foreground; SIGTERM drains, SIGHUP reads TLS files again')
      .option('--check', 'read and check the configuration and the TLS files, then exit')
      .action(async (wish: { check?: boolean }, command: Command) =>
        (await import('./serve.ts')).runServe(wish, command),
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
      .action(async (wish: InitWish, command: Command) => (await import('./init.ts')).runInit(wish, command)),
    'holdfast init',
    'holdfast init --administrator root --password-file /run/first-password',
    'holdfast init --reset-administrator admin',
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
