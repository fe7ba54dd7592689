import { inspect } from 'node:util';
import { ConfigError } from '../../config/problem.ts';
import { TlsError } from '../../http/tls-error.ts';
import { BackupError } from '../../store/backup/format.ts';
import { StoreError } from '../../store/sqlite/sqlite.ts';
import { TokenError } from '../../token/faults.ts';
import { tokenWords } from '../../token/remediations.ts';
import { NameError } from '../../vault/names.ts';
import { VaultError } from '../../vault/vault-error.ts';
import { exitCodes } from '../output/exit-codes.ts';
import { codeOf, type Failure } from '../output/failure-kinds.ts';
import { TokenStartError } from './open-node.ts';
import { PinRefusedBeforeError } from './refused-pins.ts';
import { isFileFailure, systemReason } from '../../system-reason.ts';
import { note } from '../output/streams.ts';

/** Failures of what commands on the node itself work with. */
export function nodeFailure(error: unknown): Failure {
  if (error instanceof ConfigError) {
    const [first = error.message, ...others] = error.problems;
    return { ...of('configuration', first), others };
  }
  if (error instanceof TlsError) return of('configuration', error.message);
  if (error instanceof StoreError) return of('configuration', error.message, error.remediation);
  if (error instanceof BackupError) return of('data', error.message, error.remediation);
  if (error instanceof TokenStartError)
    return of(error.pinRefused ? 'pinRefused' : 'tokenUnavailable', error.message, error.remediation);
  if (error instanceof PinRefusedBeforeError) return of('pinRefused', error.message, error.remediation);
  if (error instanceof TokenError) {
    const { problem, remediation } = tokenWords(error);
    return of('tokenUnavailable', problem, remediation);
  }
  if (error instanceof NameError) return of('usage', error.message);
  if (error instanceof VaultError) return of(kinds[error.problem], error.message, error.remediation);
  if (isFileFailure(error)) return of('output', `${error.path}: ${systemReason(error).words}`);
  note(`holdfast: an error that should not be; please report it: ${inspect(error)}`);
  return of('internal', 'internal error');
}

const kinds = {
  'not-found': 'notFound',
  conflict: 'conflict',
  invalid: 'usage',
  precondition: 'precondition',
  forbidden: 'refused',
} as const satisfies Record<VaultError['problem'], keyof typeof exitCodes>;

function of(kind: keyof typeof exitCodes, message: string, hint?: string): Failure {
  return { code: codeOf(kind), exitCode: exitCodes[kind], message, hint };
}
