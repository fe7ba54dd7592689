/** The headings of the reference, in their order. A route whose tag is not here does not get into the document. */
export const tagDescriptions: Readonly<Record<string, string>> = {
  Sessions:
    'Signing in and out. A session may first require a second factor or a new password; until then it can do nothing else.',
  'Single sign-on':
    'Signing in with an OpenID Connect provider: authorization code flow with PKCE, for browsers and for programs ' +
    '(RFC 8252). Each vault has its own provider, and so does the appliance.',
  'Second factor': 'Your own time-based one-time codes (TOTP, RFC 6238) and recovery codes.',
  'API keys':
    'Keys for programs, created by a user with a subset of the user’s permissions. Each expires, at the latest with its user.',
  Status: 'An overview, and what needs attention.',
  'Failed requests': 'What AWS KMS asked for that was refused or failed, and what to do about it.',
  Vaults:
    'Tenants. A vault has users, admin groups, key sets and an audit trail of its own; no vault sees another.',
  Users: 'Users of a vault, and of the appliance.',
  'Admin groups':
    'Groups of cloud admins. CSP accounts and key sets belong to one, and its members see them.',
  'CSP accounts': 'AWS accounts that key sets are for, and how Holdfast signs in to them.',
  'Key sets':
    'What an external key store of AWS KMS connects to: keys that share a token, a URI path prefix and credentials.',
  Credentials: 'XKS proxy authentication credentials of a key set, with which AWS KMS signs its requests.',
  'External key stores':
    'External key stores of AWS KMS that connect to a key set, one for each Region: create, connect, monitor, link.',
  CloudKeys: 'External keys: create, rotate, disable, delete. Key material stays in the token.',
  'KMS keys':
    'KMS keys in AWS that refer to CloudKeys, with alias and key policy: create, compare, enable, disable, delete.',
  'Audit trail': 'Every act that was done or refused, in order.',
  Reconciliation: 'Compares the records with what the tokens hold.',
  Tokens: 'The configured PKCS#11 tokens, and verification of the connection to one.',
  Nodes: 'The nodes that use this database.',
  'Lost changes': 'What the store has lost by going back in time, until somebody has decided on it.',
  Mail: 'The mail server for first passwords and notices.',
  Documentation: 'This document.',
};
