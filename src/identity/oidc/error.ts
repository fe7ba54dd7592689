/** What went wrong between us and a provider; the text is for the operator and quotes nothing that came from outside. */
export type OidcTrouble =
  /** No connection, no answer in time, or an answer that is too long. */
  | 'unreachable'
  /** Its certificate does not chain to a CA that is trusted for it, or is of another name. */
  | 'untrusted'
  /** Its name resolves to an address that Holdfast does not connect to. */
  | 'address-refused'
  /** It does not answer as an OpenID provider of this issuer. */
  | 'no-provider'
  /** The provider itself refused the sign-in, or the user did. */
  | 'provider-refused'
  /** The provider does not take our client id, secret or redirect URI. */
  | 'client-refused'
  /** Its answer does not hold: another issuer, state, nonce, signature or audience, or out of time. */
  | 'answer-refused';

const words: Record<OidcTrouble, readonly [problem: string, remediation: string]> = {
  unreachable: ['the OpenID provider does not answer', 'look at the network between here and it'],
  untrusted: [
    'the certificate of the OpenID provider is not trusted',
    'give the CA that issued it as caCertificates, or have the provider send its whole chain',
  ],
  'address-refused': [
    'the name of the OpenID provider, or of one of its endpoints, resolves to an address that Holdfast does not connect to',
    'loopback is allowed only where the issuer itself is on it; link-local and multicast addresses never are',
  ],
  'no-provider': [
    'there is no OpenID provider with this issuer',
    'the issuer is written exactly as the provider writes it in its metadata, with https and every slash',
  ],
  'provider-refused': ['the OpenID provider refused the sign-in', 'see the provider’s own log'],
  'client-refused': [
    'the OpenID provider does not accept Holdfast as a client',
    'compare client id, client secret and redirect URI with what is registered there',
  ],
  'answer-refused': [
    'the answer of the OpenID provider is not valid',
    'begin the sign-in again; if it happens again, compare the clocks and see the log',
  ],
};

export class OidcError extends Error {
  readonly trouble: OidcTrouble;
  readonly remediation: string;

  constructor(trouble: OidcTrouble, cause?: unknown) {
    super(words[trouble][0], { cause });
    this.name = 'OidcError';
    this.trouble = trouble;
    this.remediation = words[trouble][1];
  }
}
