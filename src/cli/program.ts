import { Command, Option } from 'commander';
import { addAccountCommands } from './commands/account.ts';
import { addApiKeyCommands } from './commands/api-key.ts';
import { addAuditCommands } from './commands/audit.ts';
import { addCloudKeyCommands } from './commands/cloud-key.ts';
import { colourChoices } from './output/colour.ts';
import { addNamesCommand } from './completion/completion-names.ts';
import { addCompletionCommand } from './completion/completion.ts';
import { addCredentialCommands } from './commands/credential.ts';
import { addCspAccountCommands } from './commands/cloud/csp-account.ts';
import { addExternalKeyStoreCommands } from './commands/cloud/external-key-store.ts';
import { addGroupCommands } from './commands/group.ts';
import { addKeySetCommands } from './commands/key-set.ts';
import { addKmsKeyCommands } from './commands/cloud/kms-key.ts';
import { addLoginCommand } from './commands/login.ts';
import { addLostChangeCommands } from './commands/lost-change.ts';
import { addMailCommands } from './commands/mail.ts';
import {
  addBackupCommand,
  addDoctorCommand,
  addInitCommand,
  addQuickstartCommand,
  addRestoreCommand,
  addStoreCommand,
  addServeCommand,
} from './node/node-commands.ts';
import { addNodeCommands } from './commands/node.ts';
import { addOidcProviderCommands } from './commands/oidc-provider.ts';
import { checkOutput, isForPrograms, outputForms, outputOf } from './output/output-options.ts';
import { addReconcileCommands } from './commands/reconcile.ts';
import { addSecondFactorCommands } from './commands/second-factor.ts';
import { addSessionCommands } from './commands/session.ts';
import { addStatusCommand } from './commands/status.ts';
import { addTokenCommands } from './commands/token.ts';
import { addRequestCommands } from './commands/request.ts';
import { addInForceCommand } from './commands/in-force.ts';
import { addTrafficCommand } from './commands/traffic.ts';
import { addVitalsCommand } from './commands/vitals.ts';
import { addUserCommands } from './commands/user.ts';
import { ask, write } from './output/streams.ts';
import { collect, parseCount } from './output/values.ts';
import { addVaultCommands } from './commands/vault.ts';
import { build } from './client/version.ts';

/** Commands by what they are about; all but the first are clients of the management API. */
const families: [heading: string, add: ((program: Command) => void)[]][] = [
  [
    'On the node itself:',
    [
      addServeCommand,
      addInitCommand,
      addBackupCommand,
      addRestoreCommand,
      addStoreCommand,
      addDoctorCommand,
      addQuickstartCommand,
    ],
  ],
  [
    'Signing in:',
    [addLoginCommand, addAccountCommands, addSecondFactorCommands, addSessionCommands, addApiKeyCommands],
  ],
  [
    'The appliance:',
    [
      ...[addVaultCommands, addTokenCommands, addNodeCommands, addLostChangeCommands, addMailCommands],
      addOidcProviderCommands,
    ],
  ],
  ['People and what belongs to whom:', [addUserCommands, addGroupCommands, addCspAccountCommands]],
  [
    'Keys:',
    [
      addKeySetCommands,
      addCredentialCommands,
      addExternalKeyStoreCommands,
      addCloudKeyCommands,
      addKmsKeyCommands,
    ],
  ],
  [
    'Status and history:',
    [
      addStatusCommand,
      addInForceCommand,
      addTrafficCommand,
      addVitalsCommand,
      addRequestCommands,
      addAuditCommands,
      addReconcileCommands,
    ],
  ],
  ['Other:', [addCompletionCommand, addNamesCommand]],
];

export function createProgram(): Command {
  const program = new Command('holdfast');
  program
    .description('An external key store for AWS KMS on any PKCS#11 hardware security module.')
    .version(build, '-V, --version', 'the version, with the commit that was set up')
    .option(
      '-c, --config <file>',
      'configuration file, for commands on the node itself',
      process.env['HOLDFAST_CONFIG'] ?? '/etc/holdfast/holdfast.toml',
    )
    .optionsGroup('What is printed:')
    .addOption(
      new Option(
        '-o, --output <form>',
        'table, wide (with ids and more), json, yaml, or name (one a line, for another command)',
      ).choices(outputForms),
    )
    .addOption(new Option('--json', 'the same as -o json').implies({ output: 'json' }))
    .addOption(
      new Option('--columns <names>', 'only these columns of a table or lines of a record: a,b,c').argParser(
        collect,
      ),
    )
    .option('-v, --verbose', 'after a change the record too')
    .addOption(
      new Option('--color <when>', 'auto is on a terminal, unless NO_COLOR is set')
        .choices(colourChoices)
        .default('auto'),
    )
    .optionsGroup('Where the management API is (all other commands):')
    .option('--profile <name>', 'which sign-in, of several (HOLDFAST_PROFILE; else default)')
    .option('--endpoint <url>', 'address of the management API (HOLDFAST_ENDPOINT)')
    .option('--ca <file>', 'CA that its certificate is from, in place of the machine’s (HOLDFAST_CA)')
    .option('--vault <vault>', 'vault to sign in to, by id or sign-in address (HOLDFAST_VAULT)')
    .addOption(
      new Option('--timeout <seconds>', 'for each request; 60 if omitted').argParser(parseCount(1, 3600)),
    )
    .showHelpAfterError('(add --help for what there is)')
    .exitOverride()
    .configureOutput({
      writeOut: write,
      // For programs it is told as JSON: see failure.ts.
      writeErr: (text) => {
        if (!isForPrograms(outputOf(program))) ask(text);
      },
    });
  program.hook('preAction', (_, command) => checkOutput(outputOf(command)));
  for (const [heading, adders] of families) {
    program.commandsGroup(heading);
    for (const add of adders) add(program);
  }
  inheritExit(program);
  return program;
}

/** Commander's own errors end in our exit codes, for subcommands too. */
function inheritExit(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) inheritExit(child);
}
