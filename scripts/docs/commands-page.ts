import type { Command } from 'commander';
import { exitCodes } from '../../src/cli/output/exit-codes.ts';
import { namesCommand } from '../../src/cli/completion/completion-tree.ts';
import { createProgram } from '../../src/cli/program.ts';
import { code, toMarkdownTable } from './settings.ts';

const whatExitCodesSay: Record<keyof typeof exitCodes, string> = {
  problemFound:
    '`holdfast doctor` or `holdfast request unexplained` has found a problem, or `holdfast status` what needs attention',
  notYetEverywhere:
    'what was asked for is done, and not in force on every node yet, or not certain on the standby of the database',
  inDoubt: 'what was asked for may have been done: look before you repeat it',
  usage: 'the command line is wrong, a value is not allowed, or what was asked about was not confirmed',
  data: 'a file that was given is not what it should be, such as an archive that was changed, or a backup that is not for these tokens',
  notFound: 'not found, or not visible to you',
  tokenUnavailable: 'a token could not be opened or failed, or no XKS worker comes up',
  unreachable:
    'the management API could not be reached or did not answer: what was asked may have been done all the same where the text says so',
  storeUnavailable: 'the database of the node cannot be used, or its disk is full: nothing was done',
  internal: 'an error that should not be; please report it',
  conflict: 'it cannot be done as things are: the name is taken, the key is not ready, a file exists already',
  precondition: 'somebody else changed it meanwhile; look at it, then try again',
  rateLimited: 'too many requests or wrong passwords; wait, then try again',
  pinRefused: 'a token refused the PIN; the same one is not tried again',
  refused: 'not signed in, the sign-in was refused, or you may not do this',
  output: 'what was to be printed or kept in a file could not be written, or not whole',
  closedPipe: 'whoever reads the output has closed it (as with `| head`)',
  configuration:
    'the configuration, a TLS, CA, PIN or password file, the store or the file of sign-ins cannot be used',
};

const variables = {
  HOLDFAST_ENDPOINT: 'address of the management API, as `--endpoint`',
  HOLDFAST_CA: 'file with the CA that its certificate is from, as `--ca`',
  HOLDFAST_API_KEY_FILE:
    'file of mode 0600 with an API key: programs need no sign-in then. `--profile` on the command line goes before it',
  HOLDFAST_VAULT: 'vault that the API key is of, by id or sign-in address, as `--vault`',
  HOLDFAST_PROFILE: 'which sign-in, as `--profile`',
  HOLDFAST_CONFIG: 'configuration file of the node, as `--config`',
};

/** docs/commands.md, from the command line's own help. */
export function commandsPage(): string {
  // Its default would be this machine's.
  delete process.env['HOLDFAST_CONFIG'];
  const program = createProgram();
  const codes = Map.groupBy(Object.entries(exitCodes), ([, number]) => number);
  return `# Commands

What \`holdfast --help\` and the help of each command say. Tasks from beginning to end are in [guide.md](guide.md).

\`serve\`, \`init\` and \`quickstart\` work on the store and the tokens of the machine that they run on. All other commands
are clients of the management API and can run anywhere: \`holdfast login\` signs in, and the session is kept in
\`$XDG_CONFIG_HOME/holdfast/credentials.json\` (mode 0600, else under \`~/.config\`), one for each \`--profile\`. Things are
named by name or id. What is changed is read first and changed with its ETag, so that two people do not overwrite each
other; what is made is made once, also where the connection is lost and the request sent again.

A change says what it has changed, in a sentence; \`--verbose\` adds the record, and any \`-o\` prints the record alone.

On a terminal lists are tables that fit it: what there is no room for is left out and named, names are never cut. \`-o wide\`
shows everything, ids too, and \`--columns name,state\` what you name: columns, or fields of the API. \`-o name\` prints one name
a line, for another command. Into a pipe nothing is left out. Colours are for terminals, unless \`NO_COLOR\` is set or
\`--color\` says otherwise; \`COLUMNS\` goes before the width that a terminal tells.

With \`-o json\` (or \`--json\`) the answer is JSON on standard output: the API's own, a list as one array of all its pages;
\`-o yaml\` is the same as YAML. Errors go to standard error, with the remediation; then as one line of JSON, the last one, with
\`code\`, \`message\`, \`hint\`, \`fields\` and \`exitCode\`. What cannot be written ends with 74 and is told: an output is whole, or the exit code is
not 0. A file for a secret that is shown once is made, with its room on the disk, before the secret is; where it is shown
and that fails, what was made is named with the command that takes it back.

${toMarkdownTable(
  ['variable', 'what it is'],
  Object.entries(variables).map(([name, what]) => [code(name), what]),
)}

${toMarkdownTable(
  ['exit code', 'meaning'],
  [
    ['0', 'done'],
    ...[...codes].map(([number, names]) => [
      String(number),
      names.map(([name]) => whatExitCodesSay[name as keyof typeof exitCodes]).join('; or '),
    ]),
  ],
)}

${sectionsOf(program, []).join('\n\n')}
`;
}

function sectionsOf(command: Command, parents: string[]): string[] {
  const path = [...parents, command.name()];
  const children = command.commands.filter((child) => !['help', namesCommand].includes(child.name()));
  return [
    `## ${path.join(' ')}\n\n\`\`\`text\n${helpOf(command)}\n\`\`\``,
    ...children.flatMap((child) => sectionsOf(child, path)),
  ];
}

/** With what addHelpText() adds, which helpInformation() leaves out. */
export function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
    getOutHelpWidth: () => 100,
    getOutHasColors: () => false,
  });
  command.outputHelp();
  return text.trim();
}
