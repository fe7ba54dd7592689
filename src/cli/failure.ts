import { CommanderError } from 'commander';
import { ApiProblem } from './client/api-problem.ts';
import { CliError } from './output/cli-error.ts';
import { exitCodes } from './output/exit-codes.ts';
import { codeOf, type Failure } from './output/failure-kinds.ts';
import { printable } from './output/printable.ts';
import { note, OutputError } from './output/streams.ts';

/**
 * Tells what is wrong and the way out, on standard error; never a stack unless it is our own mistake. For programs it is
 * one line of JSON, the last one.
 */
export async function reportFailure(error: unknown, forPrograms = false): Promise<number> {
  if (error instanceof CommanderError && error.exitCode === 0) return 0;
  // As a shell tells of a program that the signal has ended: the reader had enough, and nothing is wrong.
  if (error instanceof OutputError && error.closedPipe) return exitCodes.closedPipe;
  const failure = await failureOf(error);
  if (forPrograms) note(JSON.stringify(problemOf(failure)));
  // Commander has told its own.
  else if (!(error instanceof CommanderError)) for (const line of linesOf(failure)) note(line);
  return failure.exitCode;
}

async function failureOf(error: unknown): Promise<Failure> {
  if (error instanceof CommanderError)
    return {
      code: 'usage',
      exitCode: exitCodes.usage,
      message: error.message.replace(/^error: /, ''),
      hint: 'holdfast help COMMAND',
    };
  if (error instanceof CliError)
    return {
      code: error instanceof ApiProblem ? error.kind : codeOf(error.failure),
      exitCode: error.exitCode,
      message: error.message,
      hint: error.remediation,
      fields: error.fields,
    };
  // It knows every room of a node: see node-failure.ts.
  return (await import('./node/node-failure.ts')).nodeFailure(error);
}

function linesOf({ message, hint, fields = [], others = [] }: Failure): string[] {
  return [
    ...[message, ...others].map((one) => `holdfast: ${printable(one)}`),
    ...fields.map(({ where, detail }) => `  ${printable(where)}: ${printable(detail)}`),
    ...(hint === undefined ? [] : [`  hint: ${printable(hint)}`]),
  ];
}

/** A problem document (RFC 9457) with our members. */
function problemOf({ code, exitCode, message, hint, fields = [], others = [] }: Failure): object {
  return {
    type: `urn:holdfast:problem:${code}`,
    code,
    message: [message, ...others].join('\n'),
    hint: hint ?? null,
    fields,
    exitCode,
  };
}
