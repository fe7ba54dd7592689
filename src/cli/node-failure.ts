import { inspect } from 'node:util';
import { ConfigError } from '../config/problem.ts';
import { TlsError } from '../http/tls-error.ts';
import { StoreError } from '../store/sqlite.ts';
import { TokenError } from '../token/faults.ts';
import { tokenWords } from '../token/ways-out.ts';
import { NameError } from '../vault/names.ts';
import { VaultError } from '../vault/vault-error.ts';
import { exitCodes } from './exit-codes.ts';
import { tell } from './failure.ts';
import { TokenStartError } from './open-node.ts';
import { PinRefusedBeforeError } from './refused-pins.ts';
import { isFileFailure, systemReason } from '../system-reason.ts';
import { note } from './streams.ts';

/** Failures of what commands on the node itself work with. */
export function reportNodeFailure(error: unknown): number {
  if (error instanceof ConfigError) {
    for (const problem of error.problems) note(`holdfast: ${problem}`);
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
  if (error instanceof TokenError) {
    const { problem, wayOut } = tokenWords(error);
    return tell(problem, wayOut, exitCodes.tokenUnavailable);
  }
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
  if (isFileFailure(error))
    return tell(`${error.path}: ${systemReason(error).words}`, undefined, exitCodes.output);
  note(`holdfast: an error that should not be; please report it: ${inspect(error)}`);
  return exitCodes.internal;
}
