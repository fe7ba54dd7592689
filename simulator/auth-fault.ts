/** Why a request is not taken as its signer's. Each protocol has names of its own for these (`protocol.ts`). */
export type AuthFaultKind =
  | 'missing'
  | 'incomplete'
  | 'malformed'
  | 'wrong-scope'
  | 'unknown-key'
  | 'wrong-token'
  | 'expired-token'
  | 'signature'
  | 'not-signed'
  | 'skewed'
  | 'expired-url'
  | 'payload-hash'
  | 'bad-chunks';

export class AuthFault extends Error {
  readonly kind: AuthFaultKind;

  constructor(kind: AuthFaultKind, message: string) {
    super(message);
    this.name = 'AuthFault';
    this.kind = kind;
  }
}
