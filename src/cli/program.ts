import { Command } from 'commander';
import { addCloudKeyCommands } from './cloud-key.ts';
import { addCredentialCommands } from './credential.ts';
import { addInitCommand } from './init.ts';
import { addKeySetCommands } from './key-set.ts';
import { addQuickstartCommand } from './quickstart.ts';
import { addServeCommand } from './serve.ts';
import { version } from './version.ts';

export function createProgram(): Command {
  const program = new Command('holdfast')
    .description('An external key store for AWS KMS on any PKCS#11 hardware security module.')
    .version(version)
    .option(
      '-c, --config <file>',
      'configuration file',
      process.env['HOLDFAST_CONFIG'] ?? '/etc/holdfast/holdfast.toml',
    )
    .option('--json', 'answers as JSON, for programs')
    .showHelpAfterError('(add --help for what there is)')
    .exitOverride();
  addServeCommand(program);
  addInitCommand(program);
  addKeySetCommands(program);
  addCloudKeyCommands(program);
  addCredentialCommands(program);
  addQuickstartCommand(program);
  inheritExit(program);
  return program;
}

/** Commander's own errors end in our exit codes, for subcommands too. */
function inheritExit(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) inheritExit(child);
}
