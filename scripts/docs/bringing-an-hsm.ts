import { keyTemplate } from '../../src/token/host/keys/key-template.ts';
import { triedNames } from '../../src/token/host/serving-sizes.ts';
import { code, toMarkdownTable } from './settings.ts';

const steps: readonly (readonly [step: string, asks: string])[] = [
  [
    'module',
    'Whether the loader takes it (its own words where not: a missing library, 32 bits, no library at all), C_Initialize, and what C_GetInfo says of it.',
  ],
  ['slots', 'Every slot with its token. One that cannot be read is named and passed over.'],
  ['token', 'The token that is meant: by label, serial or slot, else the only one that was initialised.'],
  [
    'pin',
    'What the token says of its user PIN. `final-try` and `locked` are kept for a person: the PIN is tried with `--force` only.',
  ],
  ['login', 'C_Login as user, once. A PIN that is refused is not tried again.'],
  ['sessions', 'How many sessions it has by its own word, and how many more could be opened.'],
  [
    'mechanisms',
    'CKM_AES_GCM (or `--gcm-mechanism`) and CKM_AES_KEY_GEN with flags and key sizes. Without them no profile helps.',
  ],
  ['left-overs', 'Keys that an earlier probe could not destroy, because it was killed: destroyed now.'],
  [
    'key-making',
    'An AES-256 key with our [template](#what-a-key-is-made-with). Where that is refused, attributes are left out one by one: those that the token does not take become `keys.omit`, each with the CKR that it gave.',
  ],
  [
    'attributes',
    'What the token says of that key. What it does not tell for true becomes `keys.not_told`; a key that is extractable or not sensitive by its own word, or whose CKA_VALUE can be read, is the end.',
  ],
  [
    'names',
    `An id of ${triedNames.maxIdLength.length} and a label of ${triedNames.maxLabelLength.length} bytes, kept whole: the longest that a CloudKey has.`,
  ],
  ['search', 'The key by its id, by its label, and among all AES keys, with the time that takes.'],
  [
    'iv-mode',
    'Which [IV modes](#iv-modes) work, each proven by decryption. An IV of the token’s own goes first.',
  ],
  ['tag', 'What C_Decrypt gives for altered ciphertext, which has to tell it from a sick token.'],
  [
    'data',
    'A plaintext of 8,192 bytes with 8,192 bytes of AAD; else the hash of the AAD, else the largest plaintext of 4,300 bytes or more.',
  ],
  ['second-session', 'Whether a new session finds the key.'],
  [
    'second-process',
    'Whether another process, which was logged in before, finds a new key at once, as token hosts have to.',
  ],
  [
    'destruction',
    'A key is destroyed, and is gone for a session that logs in anew and for the other process.',
  ],
  [
    'latency',
    'p50 and p99 of encrypt, decrypt and create; from them `hosts`, and `sick_after_ms` where the default is too short.',
  ],
  ['whole', 'All of it once more, with the profile as it will be written.'],
  [
    'clean-up',
    'Keys of the probe’s that are in the token still are destroyed; one that cannot be is named with its CKA_ID.',
  ],
];

type Row = [hsm: string, state: string, from: string];

const works = 'works';
const untested = 'profile, not run on hardware';
const wanted = 'no profile yet: run the probe, and send us what it prints';
const cannot = 'cannot';

/** What a buyer looks for. */
const support: Row[] = [
  ['SoftHSM 2.6, 2.7, main', works, 'run here; 2.6 in the tests'],
  ['NSS softokn, also in FIPS mode', works, 'run here; not in FIPS mode in the tests'],
  [
    'opencryptoki 3.23, soft token',
    works,
    'run here manually; 3.8.1 has no AES-GCM and is in the tests for that',
  ],
  [
    'p11-kit 0.25 and later: remote, proxy',
    works,
    'run here manually; 0.24.1 is in the tests for what it drops',
  ],
  ['pkcs11-spy, pkcs11-logger before one of these', works, 'run here manually, as wrappers'],
  ['Entrust nShield', untested, '[nshield](#nshield)'],
  ['Thales Luna', untested, '[luna](#luna), [luna-fips](#luna-fips)'],
  ['AWS CloudHSM', untested, '[cloudhsm](#cloudhsm)'],
  ['Thales ProtectServer', untested, '[protectserver](#protectserver)'],
  ['Utimaco', untested, '[utimaco](#utimaco), [utimaco-caller](#utimaco-caller)'],
  ['Securosys Primus', wanted, 'not run on hardware'],
  ['Fortanix DSM', wanted, 'not run on hardware'],
  ['Marvell LiquidSecurity, Azure Cloud HSM', wanted, 'not run on hardware'],
  ['Eviden Proteccio, Crypt2pay', wanted, 'not run on hardware'],
  ['DuoKey', wanted, 'not run on hardware'],
  ['IBM CCA and ICA, by opencryptoki', wanted, 'not run on hardware'],
  [
    'Google Cloud KMS (kmsp11)',
    `${cannot}: keys are made with an attribute of its own, CKA_KMS_ALGORITHM, and no id`,
    'GoogleCloudPlatform/kms-integrations kmsp11/session.cc and docs/user_guide.md; not run',
  ],
  [
    'Azure Managed HSM',
    `${cannot}: its library is for TLS keys; no AES keys, no C_GenerateKey, no C_Encrypt`,
    'microsoft/AzureManagedHsmTLSOffload, release notes of 1.1.0; not run',
  ],
  [
    'IBM EP11, Hyper Protect Crypto Services',
    `${cannot}: no CKM_AES_GCM`,
    'not run on hardware; of firmware that has it by now the probe tells',
  ],
  ['Nitrokey NetHSM', `${cannot}: no CKM_AES_GCM`, 'not run on hardware'],
  ['YubiHSM 2', `${cannot}: no CKM_AES_GCM`, 'not run on hardware'],
  [
    'p11-kit before 0.25, between Holdfast and any of these',
    `${cannot}: its client and server drop CKM_AES_GCM from the list of mechanisms`,
    'run in the tests with 0.24.1',
  ],
];

export function buyersTable(): string {
  return toMarkdownTable(['HSM', 'state', 'known from'], support);
}

export function probeChapter(): string {
  return `## Bringing an HSM without a profile

\`holdfast token probe\` asks a token all that a profile has to say. It needs no node, no store and no configuration: only the
module, a user PIN, and a token in which it may make keys. The module is loaded in a process of its own; one that hangs or
crashes is a finding, and what can be asked after it is asked in another process.

\`\`\`sh
mkdir -p /etc/holdfast/profiles
holdfast token probe --module /opt/acme/lib/libacme-p11.so --label keys --pin-file pin --write /etc/holdfast/profiles/acme.toml
\`\`\`

It ends with a profile that works for this token, on standard output or in the file of \`--write\`, or with the reason why there
is none. Exit code 0: there is a profile; 1: Holdfast cannot serve with this token; 69: it was not reached, such as a module
that does not load or hangs, or no such token; 77: the PIN was refused, or kept back. \`--json\` prints all of it for programs.
The report goes to standard error, a line for each question: \`ok\`, \`note\` for what an operator should know, \`no\` for what
keeps Holdfast from serving.

Then name the directory in the configuration (\`node.profile_directory\`) and the profile with the token (\`token.profile\`; the
file ends with the lines), and run \`holdfast serve --check\`, \`holdfast init\` and \`holdfast token verify\`. What the profile
says is of one token with one firmware: probe again after an update. A profile that you are content with is welcome here.

The PIN comes from a file, from standard input (\`--pin-file -\`) or the terminal, never from the command line. Variables that
the vendor's library needs are taken from the environment of the command; give them as \`--environment\`, and they are in the
profile as well. Keys of the probe's have labels that begin with \`holdfast:probe:1:\`. It destroys them all, also where it is
interrupted; of one that was killed the next probe does.

${toMarkdownTable(
  ['line', 'what is asked'],
  steps.map(([step, asks]) => [code(step), asks]),
)}

## What a key is made with

Every attribute is stated, so that no vendor's default decides, and read back. A key that is not as asked is destroyed again.

${toMarkdownTable(
  ['attribute', 'value'],
  keyTemplate(triedNames.maxIdLength, '', { encrypt: true, decrypt: true }).map(({ name, value }) => [
    code(name),
    valueOf(name, value),
  ]),
)}

\`keys.omit\` names attributes that the module refuses to be told. They are left out of the template and read back all the same: a
key that comes out extractable, not sensitive, able to wrap, unwrap or derive is refused with or without it. \`keys.not_told\`
names attributes that the module does not read back for true, such as CKA_LOCAL of NSS softokn; they are not held against a
key. Put there only what the vendor has confirmed to be so.

An id (CKA_ID) has 20 bytes: a UUID and a version. A label (CKA_LABEL) has up to ${triedNames.maxLabelLength.length}:
\`holdfast:key:\`, the key set, the external key id, the version. With the two the store could be rebuilt from the token, so a
token that cuts them is not served.

A key that is [adopted](migration.md) was made by somebody else. It has to be AES-256, CKA_TOKEN, CKA_PRIVATE, CKA_SENSITIVE, not
CKA_EXTRACTABLE, and must not wrap, unwrap or derive: CKA_WRAP, CKA_UNWRAP and CKA_DERIVE false. What is only that can be
taken from it: \`holdfast cloud-key adopt … --restrict\` [has the token set to false](migration.md#from-awss-sample-proxy) what it
may do and a key of ours does not, CKA_SIGN and CKA_VERIFY among it. CKA_LOCAL, CKA_ALWAYS_SENSITIVE and CKA_NEVER_EXTRACTABLE
are not asked for: they say where it was born, and nothing changes them.

## Sessions

A token host has two sessions: one holds the login, one works. A node needs 2 × (hosts + 1), the one being the management
process's, and 2 more while \`holdfast token verify\` runs: 20 with 8 hosts. On a token that counts sessions over all its
clients add the nodes of a fleet together.`;
}

function valueOf(name: string, value: unknown): string {
  if (typeof value === 'boolean') return String(value);
  if (name === 'CKA_CLASS') return 'CKO_SECRET_KEY';
  if (name === 'CKA_KEY_TYPE') return 'CKK_AES';
  if (name === 'CKA_VALUE_LEN') return '32';
  return name === 'CKA_ID' ? '20 bytes' : 'text';
}
