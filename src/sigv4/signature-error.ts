/** Why a request's AWS Signature Version 4 is refused. Outside, every one of them is AuthenticationFailedException. */
export type SignatureFault =
  | 'missing-authorization'
  | 'malformed-authorization'
  | 'wrong-algorithm'
  | 'wrong-scope'
  | 'duplicate-header'
  | 'unsigned-required-header'
  | 'missing-signed-header'
  | 'malformed-date'
  | 'clock-skew'
  | 'query-not-allowed'
  | 'malformed-request'
  | 'payload-hash-mismatch'
  | 'signature-mismatch';

/** For the operator's log: printable ASCII that says what is wrong and the way out, and repeats nothing of the request. */
export class SignatureError extends Error {
  readonly reason: SignatureFault;

  constructor(reason: SignatureFault, message: string) {
    super(message);
    this.name = 'SignatureError';
    this.reason = reason;
  }
}
