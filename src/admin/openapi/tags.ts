/** The headings of the reference, in their order. A route whose tag is not here does not get into the document. */
export const tagDescriptions: Readonly<Record<string, string>> = {
  Sessions:
    'Signing in and out. A session may owe a second factor or a new password first; until then it can do nothing else.',
  'Single sign-on':
    'Signing in with an OpenID Connect provider: authorization code flow with PKCE, for browsers and for programs ' +
    '(RFC 8252). A vault has a provider of its own, and the appliance another.',
  'Second factor': 'One’s own time-based one-time codes (TOTP, RFC 6238) and recovery codes.',
  'API keys':
    'Keys for programs, made by a user for a part of what the user may do. They end with the user, and each has an end.',
  Status: 'What there is on one page, and what needs attention.',
  Vaults:
    'Tenants. A vault has users, admin groups, key sets and an audit trail of its own; no vault sees another.',
  Users: 'Users of a vault, and of the appliance.',
  'Admin groups':
    'Groups of cloud admins. CSP accounts and key sets belong to one, and its members see them.',
  'CSP accounts': 'Accounts at the cloud service provider that key sets are for.',
  'Key sets':
    'What one external key store of AWS KMS connects to: keys that share a token, a URI path prefix and credentials.',
  Credentials: 'XKS proxy authentication credentials of a key set: with these AWS KMS signs its requests.',
  'External key stores':
    'External key stores of AWS KMS that connect to a key set, one for each Region: made, connected, watched, linked.',
  CloudKeys: 'External keys: made, used, rotated, disabled and deleted. Key material stays in the token.',
  'KMS keys':
    'KMS keys in AWS that refer to CloudKeys, with alias and key policy: made, watched, compared, enabled, disabled, deleted.',
  'Audit trail': 'Every act on the record, in the order in which it was done.',
  Reconciliation: 'What the store says against what the token holds.',
  Tokens: 'The PKCS#11 tokens of the configuration, and what a fresh connection to one finds.',
  Nodes: 'The nodes that serve from this store.',
  Mail: 'How mail is sent: first passwords and resets.',
  Documentation: 'This document.',
};
