import { createRequire } from 'node:module';
import type { Command } from 'commander';
import type * as Yaml from 'yaml';
import { CliError } from './cli-error.ts';
import type { ColourChoice } from './colour.ts';

/** How an answer is printed. `json` and `yaml` are for programs, `name` for the words of another command. */
export const outputForms = ['table', 'wide', 'json', 'yaml', 'name'] as const;
export type OutputForm = (typeof outputForms)[number];

export interface OutputOptions {
  /** Undefined where nothing was asked for: a table, or what was changed in a sentence. */
  output?: OutputForm | undefined;
  /** Columns of a table, or lines of a record, in this order. */
  columns?: readonly string[] | undefined;
  color?: ColourChoice | undefined;
  /** After a change the record too. */
  verbose?: boolean | undefined;
}

export function outputOf(command: Command): OutputOptions {
  return command.optsWithGlobals<OutputOptions>();
}

export function isForPrograms({ output }: OutputOptions): boolean {
  return output === 'json' || output === 'yaml';
}

/** With ids and everything else that people seldom need. */
export function isWide({ output }: OutputOptions): boolean {
  return output === 'wide';
}

/** Before anything is done. Throws CliError. */
export function checkOutput({ output, columns }: OutputOptions): void {
  if (columns !== undefined && output !== undefined && output !== 'table' && output !== 'wide')
    throw new CliError(
      'usage',
      `--columns is for tables, and -o ${output} prints none`,
      'leave one of them out',
    );
}

const require = createRequire(import.meta.url);

/** As JSON unless YAML is asked for: in quotes, since each reader of YAML takes other texts (`no`, `0o17`) for no text. */
export function serialized(value: unknown, { output }: OutputOptions): string {
  if (output !== 'yaml') return JSON.stringify(value, null, 2);
  // Only here: few commands need it, and each would wait for it to load.
  const { stringify } = require('yaml') as typeof Yaml;
  return stringify(value, {
    version: '1.1',
    defaultStringType: 'QUOTE_DOUBLE',
    defaultKeyType: 'PLAIN',
    lineWidth: 0,
    aliasDuplicateObjects: false,
  }).trimEnd();
}
