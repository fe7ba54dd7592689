import { CommanderError } from 'commander';
import { ConfigError } from '../config/problem.ts';
import { TlsError } from '../http/tls.ts';
import { StoreError } from '../store/sqlite.ts';
import { TokenError } from '../token/faults.ts';
import { NameError } from '../vault/names.ts';
import { VaultError } from '../vault/vault-error.ts';
import { ApiProblem } from './api-problem.ts';
import { CliError } from './cli-error.ts';
import { exitCodes } from './exit-codes.ts';
import { TokenStartError } from './open-node.ts';
import { printable } from './printable.ts';
import { PinRefusedBeforeError } from './refused-pins.ts';

export { exitCodes };

/** Tells a person what is wrong and the way out, on standard error; never a stack unless it is our own mistake. */
export function reportFailure(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage;
  if (error instanceof CliError)
    return tell(error.message, error.wayOut, error.exitCode, error instanceof ApiProblem ? error.fields : []);
  if (error instanceof ConfigError) {
    for (const problem of error.problems) console.error(`holdfast: ${problem}`);
    return exitCodes.configuration;
  }
  if (error instanceof TlsError) return tell(error.message, undefined, exitCodes.configuration);
  if (error instanceof StoreError) return tell(error.message, error.wayOut, exitCodes.configuration);
  if (error instanceof TokenStartError)
    return tell(
      error.message,
      error.wayOut,
      error.pinRefused ? exitCodes.pinRefused : exitCodes.tokenUnavailable,
    );
  if (error instanceof PinRefusedBeforeError) return tell(error.message, error.wayOut, exitCodes.pinRefused);
  if (error instanceof TokenError)
    return tell(
      `the token: ${error.message}`,
      'see the token host’s output above and the vendor’s log',
      exitCodes.tokenUnavailable,
    );
  if (error instanceof NameError) return tell(error.message, undefined, exitCodes.usage);
  if (error instanceof VaultError)
    return tell(
      error.message,
      error.wayOut,
      {
        'not-found': exitCodes.notFound,
        conflict: exitCodes.conflict,
        invalid: exitCodes.usage,
        precondition: exitCodes.precondition,
        forbidden: exitCodes.refused,
      }[error.problem],
    );
  console.error('holdfast: an error that should not be; please report it:', error);
  return exitCodes.internal;
}

function tell(
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
  console.error(lines.join('\n'));
  return code;
}
