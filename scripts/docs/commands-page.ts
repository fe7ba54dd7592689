import type { Command } from 'commander';
import { exitCodes } from '../../src/cli/failure.ts';
import { createProgram } from '../../src/cli/program.ts';
import { toMarkdownTable } from './settings.ts';

const whatExitCodesSay: Record<keyof typeof exitCodes, string> = {
  usage: 'the command line is wrong, or a name in it is not well-formed',
  notFound: 'there is no such key set, CloudKey or credential',
  tokenUnavailable: 'a token could not be opened or failed, or no XKS worker comes up',
  internal: 'an error that should not be; please report it',
  conflict: 'the name is taken, the key is not ready, or the limit of live credentials is reached',
  pinRefused: 'a token refused the PIN; the same one is not tried again',
  configuration: 'the configuration, a TLS file, a PIN file or the store cannot be used',
};

/** docs/commands.md, from the command line's own help. */
export function commandsPage(): string {
  // Its default would be this machine's.
  delete process.env['HOLDFAST_CONFIG'];
  const program = createProgram();
  const codes = Object.entries(exitCodes).map(([name, number]) => [
    String(number),
    whatExitCodesSay[name as keyof typeof exitCodes],
  ]);
  return `# Commands

What \`holdfast --help\` and the help of each command say. The commands work on the store and the tokens of the machine
they run on, beside a running \`holdfast serve\`: what they change is seen by its next request.

With \`--json\` the answer is JSON on standard output. Errors go to standard error, with the way out.

${toMarkdownTable(['exit code', 'meaning'], [['0', 'done'], ...codes])}

${sectionsOf(program, []).join('\n\n')}
`;
}

function sectionsOf(command: Command, parents: string[]): string[] {
  const path = [...parents, command.name()];
  const children = command.commands.filter((child) => child.name() !== 'help');
  return [
    `## ${path.join(' ')}\n\n\`\`\`text\n${helpOf(command)}\n\`\`\``,
    ...children.flatMap((child) => sectionsOf(child, path)),
  ];
}

/** With what addHelpText() adds, which helpInformation() leaves out. */
function helpOf(command: Command): string {
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
