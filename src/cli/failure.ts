import { CommanderError } from 'commander';
import { ApiProblem } from './api-problem.ts';
import { CliError } from './cli-error.ts';
import { exitCodes } from './exit-codes.ts';
import { printable } from './printable.ts';
import { note, OutputError } from './streams.ts';

/** Tells a person what is wrong and the way out, on standard error; never a stack unless it is our own mistake. */
export async function reportFailure(error: unknown): Promise<number> {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage;
  // As a shell tells of a program that the signal has ended: the reader had enough, and nothing is wrong.
  if (error instanceof OutputError && error.closedPipe) return exitCodes.closedPipe;
  if (error instanceof CliError)
    return tell(error.message, error.wayOut, error.exitCode, error instanceof ApiProblem ? error.fields : []);
  // It knows every room of a node: see node-commands.ts.
  return (await import('./node-failure.ts')).reportNodeFailure(error);
}

export function tell(
  problem: string,
  wayOut: string | undefined,
  code: number,
  fields: ApiProblem['fields'] = [],
): number {
  const lines = [
    `holdfast: ${printable(problem)}`,
    ...fields.map(({ where, detail }) => `  ${printable(where)}: ${printable(detail)}`),
    ...(wayOut === undefined ? [] : [`  way out: ${printable(wayOut)}`]),
  ];
  note(lines.join('\n'));
  return code;
}
