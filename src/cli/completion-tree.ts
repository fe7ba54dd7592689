import type { Command, Option } from 'commander';

/** One command as completion sees it. */
export interface Place {
  /** Words from the top without the program's own name, such as `cloud-key create`; '' for the program. */
  path: string;
  commands: { name: string; description: string }[];
  /** Its own and those of the program. */
  options: Completed[];
  /** Values of its first argument, where they are known. */
  choices: readonly string[];
}

export interface Completed {
  flags: string[];
  description: string;
  takesValue: boolean;
  /** Its value is a file. */
  isFile: boolean;
  choices: readonly string[];
}

/** Every command of the program, outer ones first. */
export function placesOf(program: Command): Place[] {
  const common = program.options.filter((option) => !option.hidden);
  return walk(program, [], common);
}

function walk(command: Command, path: string[], common: readonly Option[]): Place[] {
  const children = command.commands.filter((child) => child.name() !== 'help');
  const own = path.length === 0 ? [] : command.options.filter((option) => !option.hidden);
  return [
    {
      path: path.join(' '),
      commands: children.map((child) => ({ name: child.name(), description: child.description() })),
      options: [
        ...[...own, ...common].map(completed),
        {
          flags: ['--help'],
          description: 'display help for command',
          takesValue: false,
          isFile: false,
          choices: [],
        },
      ],
      choices: command.registeredArguments[0]?.argChoices ?? [],
    },
    ...children.flatMap((child) => walk(child, [...path, child.name()], common)),
  ];
}

function completed(option: Option): Completed {
  const takesValue = option.required || option.optional;
  return {
    flags: [option.long, option.short].filter((flag) => flag !== undefined && flag !== null),
    description: option.description,
    takesValue,
    isFile: takesValue && /<file>/.test(option.flags),
    choices: option.argChoices ?? (/<yes\|no>/.test(option.flags) ? ['yes', 'no'] : []),
  };
}
