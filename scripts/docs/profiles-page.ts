import { readFileSync } from 'node:fs';
import path from 'node:path';
import {
  ivModes,
  listProfiles,
  nativeConfigDirectory,
  parseProfile,
  profileSchema,
  type IvMode,
  type Profile,
} from '../../src/config/profile.ts';
import { buyersTable, probeChapter } from './bringing-an-hsm.ts';
import { code, settingsTable, tablesOf, toMarkdownTable, toSchema, toToml } from './settings.ts';

const whoMakesTheIv: Record<IvMode, string> = {
  caller: 'Holdfast draws it from the token with `C_GenerateRandom`; the token uses it as given',
  'hsm-at-init': 'the token writes its own into our zero bytes in `C_EncryptInit`',
  'hsm-at-encrypt': 'the token writes its own into our zero bytes in `C_Encrypt`',
  'hsm-in-place': 'the token writes its own into our zero bytes in one of the two calls',
  'hsm-appended': 'the token appends its own after the authentication tag',
};

/** docs/profiles.md, from native-config/*.toml. */
export function profilesPage(): string {
  const files = listProfiles().map((name) => {
    const file = path.join(nativeConfigDirectory, `${name}.toml`);
    const text = readFileSync(file, 'utf8');
    return { profile: parseProfile(text, file), text };
  });
  const overview = toMarkdownTable(
    ['profile', 'vendor', 'product', 'proven', 'IV mode', 'hosts', 'AAD form', 'largest plaintext'],
    files.map(({ profile }) => [
      `[${profile.name}](#${profile.name})`,
      profile.vendor,
      profile.model,
      profile.proven,
      code(profile.iv.mode),
      String(profile.hosts),
      code(profile.aad.form),
      `${profile.limits.plaintext_bytes} bytes`,
    ]),
  );
  const settings = tablesOf(toSchema(profileSchema)).flatMap((table) => table.settings);
  return `# Profiles of PKCS#11 modules

A profile, a file of \`native-config/\`, holds what differs between one vendor's PKCS#11 module and the next, as data
with a source beside each fact. \`token.profile\` in the [configuration](configuration.md) names one.

## Which HSMs

${buyersTable()}

## Profiles

${overview}

**Proven** says what this project has run. *Run in the tests*: the whole token suite runs on that module. *Not run on
hardware*: written from public documentation; nobody has tried it here. Whatever a profile claims, each token host
proves at its start, on a key of its own, that the IV mode is the stated one, that what it encrypts decrypts, that no
IV comes twice and that an altered tag is refused. Where that fails Holdfast does not serve. It is a test of the mode,
not of the vendor's random number generator. A profile that was written by \`holdfast token probe\` says so itself.

## IV modes

${toMarkdownTable(
  ['mode', 'who makes the initialization vector'],
  ivModes.map((mode) => [code(mode), whoMakesTheIv[mode]]),
)}

${groupsChapter}

${probeChapter()}

## Your own profile

Keep it in a directory of your own, \`node.profile_directory\` of the [configuration](configuration.md), as NAME.toml with that
name inside; an update of Holdfast does not touch it, and one of a name of \`native-config/\` goes before that. The probe writes
one, or copy the nearest file of \`native-config/\` and change what differs. Two
settings seldom need a profile of their own: the module's path and environment variables can be given with the token
(\`token.module\`, \`token.environment\`). AAD forms: \`full\` hands the module AWS's additional authenticated data as it
is, \`sha256\` its hash, for modules whose commands are small. Old ciphertext stays readable when the form changes.

${settingsTable(settings)}

${files.map(({ profile, text }) => section(profile, text)).join('\n\n')}
`;
}

function section(profile: Profile, text: string): string {
  const facts: [string, string][] = [
    ['vendor, product', `${profile.vendor}, ${profile.model}`],
    ['proven', profile.proven],
    ['module', profile.modules.map(code).join('<br>')],
    ['IV', `${code(profile.iv.mode)}, ${profile.iv.bytes} bytes`],
    ['token hosts', String(profile.hosts)],
    ['AAD form', code(profile.aad.form)],
    ['largest plaintext', `${profile.limits.plaintext_bytes} bytes`],
  ];
  if (profile.gcm.mechanism !== undefined)
    facts.push(['mechanism', code(`0x${profile.gcm.mechanism.toString(16)}`)]);
  if (!profile.gcm.iv_bits) facts.push(['ulIvBits when encrypting', 'zero']);
  if (Object.keys(profile.environment).length > 0)
    facts.push(['environment', code(toToml(profile.environment))]);
  if (profile.initialize.parameters !== undefined)
    facts.push(['C_Initialize parameters', code(profile.initialize.parameters)]);
  if (!profile.login.required) facts.push(['login', 'none']);
  if (profile.writes.length > 0) facts.push(['the module writes to', profile.writes.map(code).join('<br>')]);
  if (profile.keys.omit.length > 0)
    facts.push(['attributes left out', profile.keys.omit.map(code).join(', ')]);
  if (profile.keys.not_told.length > 0)
    facts.push(['attributes not read back for true', profile.keys.not_told.map(code).join(', ')]);
  return `## ${profile.name}

${notesOf(text)}

${toMarkdownTable(['fact', 'value'], facts)}

Sources:

${toMarkdownTable(
  ['setting', 'source'],
  Object.entries(profile.sources).map(([name, source]) => [code(name), escape(source)]),
)}`;
}

/** The comment at the head of the file, which is Markdown behind its hashes. */
function notesOf(text: string): string {
  const lines = text.split('\n');
  const end = lines.findIndex((line) => !line.startsWith('#'));
  const notes: string[] = [];
  for (const line of lines.slice(0, end)) {
    const note = line.replace(/^# ?/, '');
    // A list needs a blank line before it.
    if (note.startsWith('- ') && !/^(- |  |$)/.test(notes.at(-1) ?? '')) notes.push('');
    notes.push(note);
  }
  return escape(notes.join('\n'));
}

/** What stands between angle brackets is no HTML. */
function escape(text: string): string {
  return text.replaceAll('<', '\\<').replaceAll('*', '\\*');
}

const groupsChapter = `## HSM groups

Several PKCS#11 tokens that hold the same keys are one token for Holdfast, with members
([\`[[token.member]]\`](configuration.md)): modules of one nShield security world, cloned partitions, the partitions of a Luna HA group
seen one by one. Requests go to whichever member is well; one that hangs or is gone costs no request that
another can answer in time ([what that takes](operations.md#health)).

\`\`\`toml
[[token]]
name = "hsm"
profile = "luna"
pin = { file = "/etc/holdfast/hsm.pin" }

[[token.member]]
name = "hsm-a"
serial = "1234567890123"

[[token.member]]
name = "hsm-b"
serial = "1234567890124"
\`\`\`

- **A nonce must never come twice under one key**, and members share keys. In mode \`caller\` each IV is 96 bits at random, from the
  member's own generator. In every other mode the HSM makes it: where two HSMs each count their own, both begin at the same number,
  and two ciphertexts of one nonce give away both plaintexts' difference and the key of the tags. So Holdfast refuses a group unless
  the profile says \`iv.random = true\`. Set it in a profile of your own once the vendor has confirmed that all of the IV is drawn at
  random, and name that document under \`sources\`. The same holds for nodes that each have an HSM of their own with the same keys: no
  configuration shows that, but the store does: \`holdfast status\` (\`TOKEN_IVS_MAY_REPEAT\`), \`holdfast serve --check\` and the
  log at the start tell of it. An HSM that had the keys once counts too: rotate the CloudKeys, then acknowledge the finding.
- **Each member is an HSM of its own**, told from the others by its serial number: by it Holdfast knows which HSM was asked to destroy a key. One whose
  serial number another member has is not used, and the log says which (\`token host could not start\`); \`holdfast init\` and a configuration
  that states one serial number twice are refused.
- **nShield**: each module of the security world is a slot of its own with a card set or softcard, told apart by serial number; name
  each as a member. With the module's load sharing there is one slot, and it chooses the module: then give no members.
- **Luna**: an HA group is one slot of its own, and the client does what a group does here: give no members. Members are for an
  application that sees the partitions: the client without HA (\`HAOnly\` off), each partition by its serial number.
- **A clone that is taken only now and then** lacks what was made since: a key is used on a member only once it has shown there that it
  is the key on record. A key that has no proof yet, or cannot have one since it may not decrypt, is used on the first member alone.

### Keys of a group

- **A key is made on one member**, the first that can be asked, and is in use only once each other member that can be asked has shown it,
  which may take five seconds. Where one does not have it by then the act fails (503, \`the key was made on member hsm-a, and not seen on
  another\`), the key object is destroyed and the record taken back. So a group needs what brings new keys to all members: a security
  world, an HA group, replication by the vendor.
- **A member that is down holds nothing up**: keys are made and rotated on the others. It has to get those keys before it can help with
  them; what it lacks, reconcile tells as \`missing\`, with its name, and requests for such a key go to the others.
- **A key is destroyed on every member**, and only then recorded as \`DESTROYED\`. Where one cannot be asked the version stays DESTROYING,
  the log (\`a key object could not be destroyed\`) names the member, and it is tried again until that one is back. A member that was
  taken out of the configuration is not asked: the version stays DESTROYING until it was, or is on record as erased
  ([which token is meant](fleet.md#which-token-is-meant)).
- **Reconcile** looks for each key on each member, and at what lies on any of them without a record. While a member cannot be asked the
  token counts as not compared; once it is back: \`holdfast reconcile run\`. \`holdfast token show\` and \`holdfast status\` tell
  which member is down.
- **Taking over** a key of the sample proxy needs it on every member that can be asked, with the same label and CKA_ID.`;
