import type { Caller } from './caller.ts';

/**
 * A sign-in, a code or a password was refused. The same for an unknown user, a wrong password, a user who is disabled
 * and one who is locked, even with the right password: no answer tells which users there are, nor whether a guess was
 * right while the account is locked. Whoever may see users sees there that one is locked, and can unlock them.
 */
export class SignInRefusedError extends Error {
  constructor(message = 'the sign-in was refused') {
    super(message);
    this.name = 'SignInRefusedError';
  }
}

/** A changing request came with a cookie and without its CSRF token. */
export class CsrfError extends Error {
  /** Whose session came. */
  readonly caller: Caller;

  constructor(caller: Caller) {
    super('a request that changes something and comes with a cookie needs the CSRF token of its session');
    this.name = 'CsrfError';
    this.caller = caller;
  }
}
