import { parse as parseToml } from 'smol-toml';
import { configSchema } from '../../src/config/config.ts';
import { tokenSchema } from '../../src/config/token-config.ts';
import { code, settingsTable, tablesOf, toMarkdownTable, toSchema, typeOf } from './settings.ts';

const example = `[node]
state_directory = "/var/lib/holdfast"
fleet_size = 1

[store]
kind = "sqlite"

[xks]
address = "0.0.0.0"
port = 443
workers = 2
answer_within_ms = 220
drain_ms = 10000

[xks.tls]
certificate = "/etc/holdfast/tls/fullchain.pem"
key = "/etc/holdfast/tls/key.pem"
# Mutual TLS, where AWS or your load balancer shows a client certificate:
# client_ca = "/etc/holdfast/tls/client-ca.pem"
# client_subjects = ["cks.kms.eu-west-1.amazonaws.com"]

[[token]]
name = "primary"
profile = "nshield"
label = "holdfast"
pin = { credential = "primary-pin" }

[[token]]
name = "second"
profile = "luna"
serial = "1234567890123"
pin = { file = "/etc/holdfast/second.pin" }
hosts = 12
environment = { ChrystokiConfigurationPath = "/etc/holdfast/luna" }

[log]
level = "info"
`;

/** docs/configuration.md. The example is parsed by the schema it stands beside. */
export function configurationPage(): string {
  configSchema.parse(parseToml(example));
  const tables = tablesOf(toSchema(configSchema));
  const sections = tables.map(
    ({ head, description, settings }) =>
      `## ${code(head)}\n\n${description === '' ? '' : `${description}\n\n`}${settingsTable(settings)}`,
  );
  return `# Configuration

One TOML file, \`/etc/holdfast/holdfast.toml\` unless \`--config FILE\` or \`HOLDFAST_CONFIG\` says otherwise. Relative
paths in it are relative to the file. A setting that Holdfast does not know is an error, not a shrug, and every wrong
setting is told at once, by name and never by value. To check a file without serving:

\`\`\`sh
holdfast serve --config FILE --check
\`\`\`

That reads the configuration and the profiles, and looks at what they name: whether each module is there and is a library
for this machine, whether PIN files can be used, whether TLS files belong together and are valid, whether names resolve,
whether the store can be opened. It loads no module and tries no PIN. What the node could not serve with is an error, and
all of them are told (exit code 78); what may be meant, but is not as AWS needs it or does not hold for long, is a warning.
Besides TLS files and PINs, nothing is read again while Holdfast runs: a changed setting wants a restart.

## A complete example

\`\`\`toml
${example}\`\`\`

${sections.join('\n\n')}

## PIN sources

A PIN never stands in this file, in an argument or in the environment. \`token.pin\` names one place to read it from;
it is read anew each time a token host starts. A token that wants no login needs none.

${pinTable()}

\`file\` must be closed to group and others. For \`credential\` systemd, or whoever sets \`CREDENTIALS_DIRECTORY\` in its
place, answers for who may read it. A line end after the PIN is taken off; nothing else is.

## Checked beyond each single setting

- Each token and each member of an HSM group has a name of its own, and a \`label\`, a \`serial\` or both (of its own or of its
  token): a token is never chosen by its slot. No two members are the same token, and all together are ten at the most.
- The profile of an HSM group says that IVs are random (\`iv.mode\` is \`caller\`, or \`iv.random\`): [HSM groups](profiles.md#hsm-groups).
- \`kill_after_ms\` is more than \`sick_after_ms\`.
- \`client_ca\` and \`client_subjects\` come together: with the CA alone any of its certificates would do.
- The profile exists and is well-formed: see [profiles.md](profiles.md).
`;
}

function pinTable(): string {
  const choices = toSchema(tokenSchema).properties?.['pin']?.anyOf ?? [];
  return toMarkdownTable(
    ['source', 'type', 'what it is'],
    choices.flatMap(({ properties = {} }) =>
      Object.entries(properties).map(([name, node]) => [
        code(`pin.${name}`),
        typeOf(node),
        node.description ?? '',
      ]),
    ),
  );
}
