import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { ConfigError, listIssues, typeWords } from './problem.ts';
import { parseToml } from './toml.ts';
import { systemReason } from '../system-reason.ts';

/** Where the profiles that Holdfast ships are kept. */
export const nativeConfigDirectory = fileURLToPath(new URL('../../native-config', import.meta.url));

/**
 * Who makes the initialization vector, over `C_EncryptInit` + `C_Encrypt`.
 * - `caller`: we draw it from the token with `C_GenerateRandom` and the token uses it as given.
 * - `hsm-at-init`: we pass zero bytes, the token writes its own IV into our buffer in `C_EncryptInit`.
 * - `hsm-at-encrypt`: the same, but the token writes it in `C_Encrypt`.
 * - `hsm-in-place`: the same, in one of the two calls; for vendors whose documentation does not say in which.
 * - `hsm-appended`: we pass no IV, the token appends its own after the authentication tag.
 */
export const ivModes = ['caller', 'hsm-at-init', 'hsm-at-encrypt', 'hsm-in-place', 'hsm-appended'] as const;
export type IvMode = (typeof ivModes)[number];

/**
 * How the additional authenticated data reaches the token.
 * - `full`: `len2(AAD) ‖ AAD ‖ len1(metadata) ‖ metadata` (XKS spec, Encrypt, ciphertextMetadata).
 * - `sha256`: `len2(AAD) ‖ SHA-256(AAD) ‖ len1(metadata) ‖ metadata`, for tokens whose commands are small,
 *   and the form that AWS's sample proxy uses.
 */
export const aadForms = ['full', 'sha256'] as const;
export type AadForm = (typeof aadForms)[number];

const attributeName = z.string().regex(/^CKA_[A-Z_]+$/);

export const profileSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9-]+$/)
      .describe('Name of the profile; the same as its file name.'),
    vendor: z.string().max(64).describe('Vendor of the token, answered as `ekmVendor` by GetHealthStatus.'),
    model: z.string().max(64).describe('Product, answered in `ekmFleetDetails[].model`.'),
    proven: z
      .enum(['run in the tests', 'partly run in the tests', 'not run on hardware', 'by holdfast token probe'])
      .describe('Whether this project has run the profile, or only read the vendor’s documentation.'),
    modules: z
      .array(z.string().startsWith('/'))
      .min(1)
      .describe('Where the PKCS#11 module may be; the first that exists is loaded.'),
    environment: z
      .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string())
      .default({})
      .describe('Environment variables that the token host sets before it loads the module.'),
    initialize: z
      .strictObject({
        parameters: z
          .string()
          .optional()
          .describe('Library parameters for C_Initialize (NSS). A trailing space is added for pkcs11js.'),
      })
      .default({}),
    login: z
      .strictObject({
        required: z
          .boolean()
          .default(true)
          .describe('Whether keys need C_Login. A slot without CKF_LOGIN_REQUIRED is used without it.'),
      })
      .default({ required: true }),
    iv: z.strictObject({
      mode: z.enum(ivModes).describe('Who makes the IV; proven by the self-test at start.'),
      bytes: z
        .union([z.literal(12), z.literal(16)])
        .default(12)
        .describe('Length of the IV.'),
      random: z
        .boolean()
        .default(false)
        .describe(
          'Whether a token that makes the IV itself draws all of it at random. Needed for an HSM group: HSMs that each count their own IVs would use one twice under one key.',
        ),
    }),
    gcm: z
      .strictObject({
        mechanism: z
          .number()
          .int()
          .positive()
          .optional()
          .describe('Mechanism number where it is not CKM_AES_GCM (0x1087).'),
        iv_bits: z
          .boolean()
          .default(true)
          .describe(
            'Whether ulIvBits carries the IV length when encrypting; Luna in FIPS mode wants zero there.',
          ),
      })
      .default({ iv_bits: true }),
    aad: z
      .strictObject({
        form: z.enum(aadForms).default('full').describe('Form of the AAD for new ciphertext.'),
      })
      .default({ form: 'full' }),
    limits: z
      .strictObject({
        plaintext_bytes: z
          .number()
          .int()
          .min(4300)
          .max(65535)
          .default(8192)
          .describe('Largest plaintext; the XKS spec asks for at least 4300.'),
      })
      .default({ plaintext_bytes: 8192 }),
    hosts: z
      .number()
      .int()
      .min(1)
      .max(64)
      .default(2)
      .describe('Token hosts per node unless the token says otherwise; a network HSM wants more.'),
    writes: z
      .array(z.string().startsWith('/'))
      .default([])
      .describe(
        'Where the module itself writes, keys above all: the service has to be allowed to (`ReadWritePaths=`).',
      ),
    keys: z
      .strictObject({
        omit: z
          .array(attributeName)
          .default([])
          .describe('Attributes left out of the C_GenerateKey template because the module refuses them.'),
        not_told: z
          .array(attributeName)
          .default([])
          .describe('Attributes that the module does not read back for true; not counted against a key.'),
      })
      .default({ omit: [], not_told: [] }),
    sources: z
      .record(z.string(), z.string().min(8))
      .describe('Where each fact above comes from: dotted name of the setting → document or observation.'),
  })
  .strict();

export type Profile = z.output<typeof profileSchema>;

/**
 * Reads one profile by its name: of `own`, a directory of the operator's, where it is there, else of those that Holdfast ships.
 * Throws {@link ConfigError} naming every wrong setting.
 */
export function loadProfile(name: string, own?: string): Profile {
  const directories = [...(own === undefined ? [] : [own]), nativeConfigDirectory];
  for (const directory of directories) {
    const file = path.join(directory, `${name}.toml`);
    const text = readIfThere(file);
    if (text === undefined) continue;
    const profile = parseProfile(text, file);
    if (profile.name !== name) throw new ConfigError([`${file}: name: must be "${name}", as the file's`]);
    return profile;
  }
  const known = directories.flatMap((directory) => listProfiles(directory));
  throw new ConfigError([`profile "${name}" is not among the PKCS#11 module profiles (${known.join(', ')})`]);
}

/** Throws ConfigError where it is there and cannot be read. */
function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { words, code } = systemReason(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new ConfigError([`${file}: the profile cannot be read: ${words}`]);
  }
}

export function parseProfile(text: string, file: string): Profile {
  const result = profileSchema.safeParse(parseToml(text, file), { error: typeWords });
  if (!result.success) throw new ConfigError(listIssues(result.error, file));
  return result.data;
}

/** Names of the profiles in a directory; none where it cannot be read. */
export function listProfiles(directory = nativeConfigDirectory): string[] {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch {
    return [];
  }
  return names
    .filter((name) => name.endsWith('.toml'))
    .map((name) => name.slice(0, -'.toml'.length))
    .toSorted();
}
