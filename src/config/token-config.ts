import { z } from 'zod';
import { file, milliseconds, text } from './values.ts';

/* A token in the configuration. */

const pinSource = z
  .union([
    z.strictObject({ file: file.describe('File that holds the PIN and nothing else; mode 0600 or 0400.') }),
    z.strictObject({
      credential: z
        .string()
        .regex(/^[A-Za-z0-9_.-]+$/)
        .describe('Name of a systemd credential (LoadCredential=, under $CREDENTIALS_DIRECTORY).'),
    }),
    z.strictObject({
      prompt: z.literal(true).describe('Ask on the terminal at start; kept in memory for restarts.'),
    }),
  ])
  .describe('Where the user PIN comes from: `{ file = … }`, `{ credential = … }` or `{ prompt = true }`.');

/** How one PKCS#11 token is found and opened. */
const placeSchema = {
  label: text.optional().describe('Choose the token by its label.'),
  serial: text.optional().describe('Choose the token by its serial number. Label, serial or both.'),
  module: z
    .string()
    .startsWith('/')
    .optional()
    .describe('Path of the PKCS#11 module, where it is not one of the profile’s.'),
  environment: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string())
    .default({})
    .describe('More environment variables for the token hosts, such as the vendor’s configuration file.'),
  initialize_parameters: z
    .string()
    .optional()
    .describe('Library parameters for C_Initialize, where not the profile’s (NSS).'),
  pin: pinSource.optional(),
  hosts: z
    .number()
    .int()
    .min(1)
    .max(64)
    .optional()
    .describe(
      'Token hosts, shared out among the XKS workers (each has at least one). Without it the profile’s number. Of an HSM group, for each member.',
    ),
};

const name = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);

const memberSchema = z.strictObject({
  name: name.describe(
    'Name of the member, which no other token or member has; answered as `ekmFleetDetails[].id`.',
  ),
  ...placeSchema,
  environment: placeSchema.environment.describe(
    'Environment variables for its token hosts, beside those of the token.',
  ),
});
export const tokenSchema = z.strictObject({
  name: name.describe(
    'Name of the token in Holdfast; answered as `ekmFleetDetails[].id`, unless it has members.',
  ),
  profile: text.describe(
    'PKCS#11 module profile: a file of native-config/, or of node.profile_directory, without its ending.',
  ),
  ...placeSchema,
  start_timeout_ms: milliseconds
    .default(20_000)
    .describe('How long loading the module, login and self-test may take.'),
  sick_after_ms: milliseconds
    .default(80)
    .describe(
      'A host silent for this long, and for twice what its operations take, is sick: its work also goes to another host, new work goes elsewhere.',
    ),
  kill_after_ms: milliseconds.default(1000).describe('A host silent for this long is killed and replaced.'),
  member: z
    .array(memberSchema)
    .min(2)
    .max(10)
    .optional()
    .describe(
      'An HSM group: the PKCS#11 tokens that hold the same keys. What a member does not say is as the token says.',
    ),
});

export type TokenConfig = z.output<typeof tokenSchema>;
