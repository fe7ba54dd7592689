import type { Command } from 'commander';

/** Adds examples to the help of a command. */
export function example(command: Command, ...lines: string[]): Command {
  return command.addHelpText(
    'after',
    ['', lines.length > 1 ? 'Examples:' : 'Example:', ...lines.map((line) => `  ${line}`)].join('\n'),
  );
}
