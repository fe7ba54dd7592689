/* What the help beside each page says. Links are pages of docs/, with a heading or without. */

export interface HelpText {
  /** What the page is for. */
  what: string;
  /** The words that one has to know for it. */
  words: readonly (readonly [word: string, meaning: string])[];
  links: readonly (readonly [text: string, page: string])[];
}

export const help = {
  title: 'Help',
  open: 'Open the help of this page',
  close: 'Close the help',
  words: 'Words',
  more: 'More about it',
  documentation: 'Documentation',
} as const;

const cloudKey = [
  'CloudKey',
  'An AES-256 key in your HSM that AWS calls an external key. It has a name, an external key id for good, and versions.',
] as const;
const keySet = [
  'Key set',
  'What one external key store of AWS KMS connects to: keys that share a token, a URI path prefix and XKS credentials.',
] as const;
const store = ['External key store', 'The connection of one AWS account and Region to one key set.'] as const;
const kmsKey = [
  'KMS key',
  'What users of AWS name. It has no key material of its own: it refers to a CloudKey.',
] as const;
const account = [
  'CSP account',
  'An AWS account that keys are for, and how Holdfast signs in to it.',
] as const;
const token = ['Token', 'A PKCS#11 token: an HSM partition, a softcard, a SoftHSM slot.'] as const;
const group = ['Admin group', 'Cloud administrators see what the groups they are in own.'] as const;
const glossary = ['All words', 'glossary'] as const;

/** By the path beneath the home of the session; of a record by that of its list. */
export const helpOfVault: Readonly<Record<string, HelpText>> = {
  '': {
    what: 'Whether all is well. What needs attention stands first, with the command that mends it or shows more. What somebody has judged is acknowledged with a note, and needs attention again when it gets worse.',
    words: [cloudKey, store],
    links: [
      ['What to do when', 'runbook'],
      ['Findings that are seen and judged', 'runbook#seen-and-judged'],
      ['From the first vault to the first key', 'guide'],
      glossary,
    ],
  },
  'cloud-keys': {
    what: 'Every CloudKey of the vault, in one list. Disable takes one away: from the moment that is answered no request with it succeeds, on any node. The state here and the one in AWS are two things.',
    words: [
      cloudKey,
      kmsKey,
      ['Drift', 'AWS has something otherwise than it is on record here.'],
      [
        'Version',
        'One AES-256 key object in the token. A rotation makes a new one; the ones before still decrypt.',
      ],
    ],
    links: [
      ['How fast a key is gone, and where', 'revocation'],
      ['What to do when', 'runbook'],
      ['KMS keys in AWS', 'aws'],
      glossary,
    ],
  },
  'key-sets': {
    what: 'What external key stores connect to. A freeze takes all keys of one away at once. Its XKS credentials are what AWS signs its requests with.',
    words: [
      keySet,
      [
        'XKS credential',
        'Access key id and secret, by which AWS KMS signs each request. Several may be live.',
      ],
      ['URI path prefix', 'What AWS puts before each path. One that nobody guesses keeps others off.'],
    ],
    links: [['The steps, one after another', 'guide'], ['How fast a freeze works', 'revocation'], glossary],
  },
  'external-key-stores': {
    what: 'The connections of AWS accounts to key sets, as AWS has them. Connected says that AWS reached the proxy once; whether it still does, the requests tell.',
    words: [
      store,
      [
        'Connect',
        'AWS calls the proxy and checks it. It usually takes five minutes; what failed has to be disconnected first.',
      ],
      ['Manual', 'Where Holdfast does not sign in to AWS: its page has the values to enter there.'],
    ],
    links: [
      ['External key stores', 'aws'],
      ['Looking at it from outside: the doctor', 'doctor'],
      ['What AWS says when it fails', 'errors'],
      glossary,
    ],
  },
  'kms-keys': {
    what: 'KMS keys that refer to CloudKeys, each as it is on record here and as AWS has it. Where they differ, apply ours or accept theirs.',
    words: [kmsKey, ['Drift', 'AWS has something otherwise than it is on record here.']],
    links: [['KMS keys in AWS', 'aws'], glossary],
  },
  'csp-accounts': {
    what: 'The AWS accounts that keys are for. Check tries each permission; the policy to attach has what is needed and no more.',
    words: [account, group],
    links: [['Signing in to AWS', 'aws'], ['The steps, one after another', 'guide'], glossary],
  },
  requests: {
    what: 'What AWS asked for that was refused or failed: by whom, how often, and what to do about it. Kept for 30 days.',
    words: [
      ['kmsRequestId', 'The id that AWS gives a request. CloudTrail has it too.'],
      ['Principal', 'Who in AWS asked.'],
    ],
    links: [
      ['Each error, and how callers see it', 'errors'],
      ['What to do when', 'runbook'],
      ['Is somebody else asking?', 'runbook#is-somebody-else-asking'],
      ['By log line', 'troubleshooting'],
    ],
  },
  audit: {
    what: 'Who did what, when and from where, refused acts too. An event is never changed; what was archived may be deleted.',
    words: [
      ['Act', 'What somebody does, with who, when and from where.'],
      ['Searched', 'What the line under the filter says: the whole trail, or only what was read of it.'],
      ['Prune', 'Exactly the events of an archive are deleted, once the node has compared them with it.'],
    ],
    links: [['Archives, and pruning', 'operations#archives-and-pruning'], glossary],
  },
  reconciliations: {
    what: 'The key records compared with the key objects in the tokens: what is missing, what no record knows, what differs. What was cut off is completed or rolled back by it; the rest needs somebody.',
    words: [
      ['Key object', 'What the token has of a key. Each version of a CloudKey is one.'],
      ['CKA_ID', 'By which a key object is found in the token.'],
    ],
    links: [
      ['The report, row by row', 'troubleshooting#the-reconcile-report'],
      ['What to do when', 'runbook'],
      glossary,
    ],
  },
  users: {
    what: 'The people of this vault and what they may do. Who signs in by single sign-on needs no password here.',
    words: [group, ['Second factor', 'A code from an app, besides the password.']],
    links: [
      ['Nobody can sign in', 'troubleshooting'],
      ['What is trusted', 'security'],
    ],
  },
  access: {
    what: 'With what people and programs are let in: API keys and sessions of everybody here, and the rules for them. Whatever is ended opens nothing any more.',
    words: [
      ['API key', 'For a program: it may do what its scope says, of what its user may, until it expires.'],
      ['Session', 'What a sign-in begins, in a browser or of the command line.'],
    ],
    links: [
      ['Who has left', 'operations#sessions-and-api-keys'],
      ['What is trusted', 'security'],
    ],
  },
  'admin-groups': {
    what: 'What cloud administrators see: CSP accounts and key sets of the groups they are in.',
    words: [group, account, keySet],
    links: [['The steps, one after another', 'guide'], glossary],
  },
  'single-sign-on': {
    what: 'The OpenID Connect provider that people of this vault sign in with.',
    words: [['OpenID Connect', 'How a browser proves to us who somebody is, by a provider of yours.']],
    links: [
      ['Single sign-on', 'operations'],
      ['What is trusted', 'security'],
    ],
  },
  settings: {
    what: 'Name and description of the vault, and the freeze of the vault as a whole: for an emergency, with one press.',
    words: [['Freeze', 'Every request for a key of the vault is refused, until it is thawed.']],
    links: [
      ['What to do when', 'runbook'],
      ['How fast a freeze works', 'revocation'],
    ],
  },
  account: {
    what: 'What is your own: password and second factor, the sessions you have, API keys for your programs.',
    words: [['API key', 'For a program: it may do what its scope says, of what you may, until it expires.']],
    links: [
      ['What is trusted', 'security'],
      ['The API, by examples', 'api-examples'],
    ],
  },
  documentation: {
    what: 'The documentation of the version that this node runs.',
    words: [],
    links: [['The guide', 'guide'], ['What to do when', 'runbook'], ['Commands', 'commands'], glossary],
  },
};

export const helpOfAppliance: Readonly<Record<string, HelpText>> = {
  ...helpOfVault,
  '': {
    what: 'Whether the appliance is well: tokens, certificates, nodes, the store; of vaults numbers and no names. What needs attention stands first.',
    words: [token, ['Vault', 'A tenant, with people and keys of its own.']],
    links: [
      ['What to do when', 'runbook'],
      ['Findings that are seen and judged', 'runbook#seen-and-judged'],
      ['Running it', 'operations'],
      glossary,
    ],
  },
  vaults: {
    what: 'The tenants of the appliance. In an emergency any can be frozen; nobody here can use or give back their keys.',
    words: [['Vault', 'A tenant, with people and keys of its own.']],
    links: [['The guide', 'guide'], ['What to do when', 'runbook'], glossary],
  },
  tokens: {
    what: 'The HSMs as the node that answers has them. Verify takes one through login, key generation and encryption, step by step.',
    words: [
      token,
      ['Token host', 'The process that loads the vendor’s module. It crashes alone.'],
      [
        'Self-test',
        'What a token host proves before it serves: that the token does what its profile says, IVs among it.',
      ],
      ['Liveness check', 'Every ten seconds each host encrypts and decrypts with a key of Holdfast’s own.'],
    ],
    links: [
      ['What a token is asked about first', 'operations#what-a-token-is-asked-about-first'],
      ['HSMs that work', 'profiles'],
      ['Looking for what is wrong', 'troubleshooting'],
      glossary,
    ],
  },
  nodes: {
    what: 'The nodes of this database. A drained one gets no new work; one that is no more is removed.',
    words: [
      ['Drain', 'Load balancers and schedules pass it over; it serves what still comes.'],
      ['Lease', 'For how long a worker serves from memory without hearing of the database.'],
    ],
    links: [
      ['Taking a node out and putting it back', 'fleet#taking-a-node-out-and-putting-it-back'],
      ['Several nodes', 'fleet'],
      ['How fast a disable is everywhere', 'revocation'],
    ],
  },
  'lost-changes': {
    what: 'For when the database has gone back in time, by a fail-over or a backup: what it has forgotten, as the nodes remember it. Until each is decided, what was taken away stays refused and little else can be changed.',
    words: [
      ['Take away again', 'Disabled, frozen, withdrawn, as it was before the loss. The safe way.'],
      ['Leave', 'The older state of the database counts, and what was taken away can be used again.'],
    ],
    links: [
      ['A database that has gone back in time', 'fleet#a-database-that-has-gone-back-in-time'],
      ['What to do when', 'runbook'],
    ],
  },
  'find-cloud-key': {
    what: 'For a ticket with an ARN or an alias in it: which vault has the key, and in which state it is. Each look-up is in the audit log, here and in the vaults where a key is found.',
    words: [cloudKey, kmsKey],
    links: [['What to do when', 'runbook'], glossary],
  },
  certificates: {
    what: 'What this node serves. Files that are replaced in their place are taken up by themselves.',
    words: [],
    links: [
      ['TLS', 'operations#tls'],
      ['Configuration', 'configuration'],
    ],
  },
  requests: {
    what: 'What came to the proxy and could not be told to be of a vault: unknown paths, wrong signatures.',
    words: [['Signature', 'SigV4, by an XKS credential.']],
    links: [
      ['Each error, and how callers see it', 'errors'],
      ['What to do when', 'runbook'],
    ],
  },
  mail: {
    what: 'The mail server that first passwords are sent by, where there is one.',
    words: [],
    links: [['Running it', 'operations']],
  },
  about: {
    what: 'Which version this node runs, and of what it is made.',
    words: [],
    links: [
      ['The reference of the API', 'api'],
      ['Commands', 'commands'],
      ['Running it', 'operations'],
    ],
  },
};

/** Of the page at this path beneath the home of the session; of a page within it where it has none of its own. */
export function helpOf(path: string, ofVault: boolean): HelpText | undefined {
  const texts = ofVault ? helpOfVault : helpOfAppliance;
  return texts[path.replace(/^\//, '').split('/')[0] ?? ''];
}
