import { CryptokiError, StartError, TokenMissedError } from './cryptoki-error.ts';
import { ckrName, TokenError } from '../faults.ts';
import { tokenWords, remediationOf } from '../remediations.ts';

/** What kept a token from being used, for whoever started the process. */
export interface StartFailure {
  pinRefused: boolean;
  problem: string;
  remediation: string;
  rv?: number | undefined;
  call?: string | undefined;
  /** The module shows no such token, which may be so for this process alone: {@link TokenMissedError}. */
  missed?: boolean | undefined;
}

/** Nothing else that is thrown has words for an operator. */
export function startFailure(error: unknown): StartFailure {
  if (error instanceof StartError)
    return {
      pinRefused: false,
      problem: error.message,
      remediation: error.remediation,
      missed: error instanceof TokenMissedError,
    };
  if (error instanceof TokenError && error.fault === 'pin-refused')
    return {
      pinRefused: true,
      problem: `the token refused the PIN${error.rv === undefined ? '' : ` (${ckrName(error.rv)})`}`,
      remediation: tokenWords(error).remediation,
      rv: error.rv,
    };
  if (error instanceof CryptokiError)
    return {
      pinRefused: false,
      problem: error.said,
      remediation: remediationOf(error.rv, error.call),
      rv: error.rv,
      call: error.call,
    };
  if (error instanceof TokenError)
    return {
      pinRefused: false,
      problem: error.message,
      remediation: tokenWords(error).remediation,
      rv: error.rv,
      call: error.call,
    };
  return {
    pinRefused: false,
    problem: `unexpected ${error instanceof Error ? error.name : 'failure'}`,
    remediation: remediationOf(undefined),
  };
}
