import type { Command, Option } from 'commander';

/** One command as completion sees it. */
export interface Place {
  /** Words from the top without the program's own name, such as `cloud-key create`; '' for the program. */
  path: string;
  commands: { name: string; description: string }[];
  options: Completed[];
  /** Values of its first argument, where they are known. */
  choices: readonly string[];
  /** What its arguments name, where the API knows the names. */
  names?: NameKind | undefined;
}

export interface Completed {
  flags: string[];
  description: string;
  takesValue: boolean;
  /** Its value is a file. */
  isFile: boolean;
  choices: readonly string[];
  /** What its value names, where the API knows the names. */
  names?: NameKind | undefined;
}

/** What has names that a shell may ask for: as arguments and values are called in the help. */
export const nameKinds = [
  'api-key',
  'cloud-key',
  'csp-account',
  'external-key-store',
  'group',
  'key-set',
  'kms-key',
  'token',
  'user',
  'vault',
] as const;
export type NameKind = (typeof nameKinds)[number];

/** Of `<key-set>`, `[key-sets...]`. */
function nameKind(called: string): NameKind | undefined {
  return nameKinds.find((kind) => called === kind || called === `${kind}s`);
}

export interface Tree {
  /** Every command, outer ones first. */
  places: Place[];
  /** Options of the program, which stand everywhere. */
  common: Completed[];
}

export function treeOf(program: Command): Tree {
  const help = {
    flags: ['--help', '-h'],
    description: 'display help for command',
    takesValue: false,
    isFile: false,
    choices: [],
  };
  return { places: walk(program, []), common: [...optionsOf(program), help] };
}

/** The command that scripts ask for names, which people do not see. */
export const namesCommand = 'complete-names';

function walk(command: Command, path: string[]): Place[] {
  const children = command.commands.filter((child) => !['help', namesCommand].includes(child.name()));
  return [
    {
      path: path.join(' '),
      commands: children.map((child) => ({ name: child.name(), description: child.description() })),
      options: path.length === 0 ? [] : optionsOf(command),
      choices: command.registeredArguments[0]?.argChoices ?? [],
      names: nameKind(command.registeredArguments[0]?.name() ?? ''),
    },
    ...children.flatMap((child) => walk(child, [...path, child.name()])),
  ];
}

function optionsOf(command: Command): Completed[] {
  return command.options.filter((option) => !option.hidden).map(completed);
}

function completed(option: Option): Completed {
  const takesValue = option.required || option.optional;
  return {
    flags: [option.long, option.short].filter((flag) => flag !== undefined && flag !== null),
    description: option.description,
    takesValue,
    isFile: takesValue && /<files?\b/.test(option.flags),
    choices: option.argChoices ?? (/<yes\|no>/.test(option.flags) ? ['yes', 'no'] : []),
    // The vault to sign in to is not known by name to who is not signed in.
    names: option.long === '--vault' ? undefined : nameKind(/<(.+)>/.exec(option.flags)?.[1] ?? ''),
  };
}
