import { CryptokiError, StartError, TokenMissedError } from './cryptoki-error.ts';
import { ckrName, TokenError } from '../faults.ts';
import { tokenWords, wayOutOf } from '../ways-out.ts';

/** What kept a token from being used, for whoever started the process. */
export interface StartFailure {
  pinRefused: boolean;
  problem: string;
  wayOut: string;
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
      wayOut: error.wayOut,
      missed: error instanceof TokenMissedError,
    };
  if (error instanceof TokenError && error.fault === 'pin-refused')
    return {
      pinRefused: true,
      problem: `the token refused the PIN${error.rv === undefined ? '' : ` (${ckrName(error.rv)})`}`,
      wayOut: tokenWords(error).wayOut,
      rv: error.rv,
    };
  if (error instanceof CryptokiError)
    return {
      pinRefused: false,
      problem: error.said,
      wayOut: wayOutOf(error.rv, error.call),
      rv: error.rv,
      call: error.call,
    };
  if (error instanceof TokenError)
    return {
      pinRefused: false,
      problem: error.message,
      wayOut: tokenWords(error).wayOut,
      rv: error.rv,
      call: error.call,
    };
  return {
    pinRefused: false,
    problem: `unexpected ${error instanceof Error ? error.name : 'failure'}`,
    wayOut: wayOutOf(undefined),
  };
}
