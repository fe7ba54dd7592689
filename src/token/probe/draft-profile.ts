import { wallClock } from '../../clock.ts';
import type { AadForm, IvMode, Profile } from '../../config/profile.ts';
import type { TokenInfo } from '../token-info.ts';

/** What is known of a token's profile so far, and from what. */
export interface Draft {
  module: string;
  environment: Record<string, string>;
  initializeParameters: string | undefined;
  loginRequired: boolean;
  iv: { mode: IvMode; bytes: 12 | 16 };
  gcm: { mechanism: number | undefined; ivBits: boolean };
  aadForm: AadForm;
  plaintextBytes: number;
  hosts: number;
  omit: string[];
  notTold: string[];
  /** Dotted name of a setting → what was seen. */
  seen: Record<string, string>;
}

export function newDraft(
  given: Pick<Draft, 'module' | 'environment' | 'initializeParameters'> & { mechanism: number | undefined },
): Draft {
  const { mechanism, ...others } = given;
  return {
    ...others,
    loginRequired: true,
    iv: { mode: 'caller', bytes: 12 },
    gcm: { mechanism, ivBits: true },
    aadForm: 'full',
    plaintextBytes: 8192,
    hosts: 2,
    omit: [],
    notTold: [],
    seen: Object.fromEntries([
      ...Object.keys(given.environment).map((name) => [
        `environment.${name}`,
        'as it was given to the probe',
      ]),
      ...(given.initializeParameters === undefined
        ? []
        : [['initialize.parameters', 'as they were given to the probe']]),
    ]),
  };
}

/** For the processes that try it. */
export function toProfile(draft: Draft): Profile {
  const { gcm, initializeParameters } = draft;
  return {
    name: 'probe',
    vendor: 'probe',
    model: 'probe',
    proven: 'by holdfast token probe',
    modules: [draft.module],
    environment: draft.environment,
    initialize: initializeParameters === undefined ? {} : { parameters: initializeParameters },
    login: { required: draft.loginRequired },
    // No trial shows how the token comes to its IVs.
    iv: { ...draft.iv, random: false },
    gcm: {
      iv_bits: gcm.ivBits,
      ...(gcm.mechanism === undefined ? {} : { mechanism: gcm.mechanism }),
    },
    aad: { form: draft.aadForm },
    limits: { plaintext_bytes: draft.plaintextBytes },
    hosts: draft.hosts,
    writes: [],
    keys: { omit: draft.omit, not_told: draft.notTold },
    sources: {},
  };
}

export interface ProfileAbout {
  name: string;
  version: string;
  /** By the module's own word. */
  about: string;
  info: TokenInfo;
  /** What an operator should know, a line each. */
  notes: string[];
  sickAfter: number | undefined;
}

/** The profile as a file, with the lines that the configuration needs. */
// oxlint-disable-next-line max-lines-per-function -- the file from top to bottom
export function toToml(draft: Draft, { name, version, about, info, notes, sickAfter }: ProfileAbout): string {
  const day = wallClock().toISOString().slice(0, 10);
  const source = `Observed: holdfast token probe ${version}, ${day}, firmware ${info.firmware}`;
  const { gcm, initializeParameters, environment } = draft;
  const lines = [
    `# ${comment(`${info.manufacturer} ${info.model}, firmware ${info.firmware}. Module: ${about}.`)}`,
    '#',
    `# Found by \`holdfast token probe\` (Holdfast ${version}) on ${day}; all of it was tried with this one token.`,
    ...notes.map((note) => `# - ${comment(note)}`),
    `name = ${text(name)}`,
    `vendor = ${text(info.manufacturer.slice(0, 64))}`,
    `model = ${text(info.model.slice(0, 64))}`,
    'proven = "by holdfast token probe"',
    `modules = [${text(draft.module)}]`,
    `hosts = ${draft.hosts}`,
    '# Where the module itself writes, if it does: the service has to be allowed to (ReadWritePaths=).',
    'writes = []',
    ...(Object.keys(environment).length === 0
      ? []
      : [
          '',
          '[environment]',
          ...Object.entries(environment).map(([key, value]) => `${key} = ${text(value)}`),
        ]),
    ...(initializeParameters === undefined
      ? []
      : ['', '[initialize]', `parameters = ${text(initializeParameters)}`]),
    '',
    '[login]',
    `required = ${draft.loginRequired}`,
    '',
    '[iv]',
    `mode = ${text(draft.iv.mode)}`,
    `bytes = ${draft.iv.bytes}`,
    '',
    '[gcm]',
    ...(gcm.mechanism === undefined ? [] : [`mechanism = 0x${gcm.mechanism.toString(16)}`]),
    `iv_bits = ${gcm.ivBits}`,
    '',
    '[aad]',
    `form = ${text(draft.aadForm)}`,
    '',
    '[limits]',
    `plaintext_bytes = ${draft.plaintextBytes}`,
    '',
    '[keys]',
    `omit = [${draft.omit.map(text).join(', ')}]`,
    `not_told = [${draft.notTold.map(text).join(', ')}]`,
    '',
    '[sources]',
    ...Object.entries(draft.seen).map(
      ([setting, seen]) => `${text(setting)} = ${text(`${source}: ${seen}`)}`,
    ),
    '',
    '# In the configuration of the node:',
    '#',
    '# [node]',
    '# profile_directory = "/etc/holdfast/profiles"   # where this file is',
    '#',
    '# [[token]]',
    '# name = "primary"',
    `# profile = ${text(name)}`,
    `# label = ${text(info.label)}`,
    `# serial = ${text(info.serial)}`,
    ...(draft.loginRequired ? ['# pin = { file = "/etc/holdfast/pin" }'] : []),
    ...(sickAfter === undefined ? [] : [`# sick_after_ms = ${sickAfter}`]),
  ];
  return `${lines.join('\n')}\n`;
}

/** A basic string of TOML, which escapes as JSON does. */
function text(value: string): string {
  return JSON.stringify(value).replaceAll('\u{7f}', '\\u007f');
}

/** What others wrote must not end the comment. */
function comment(value: string): string {
  return value.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ');
}

/** Such as `softhsm-v2`. */
export function profileName({ model, manufacturer }: TokenInfo, taken: readonly string[]): string {
  const slug = [model, manufacturer]
    .map((said) =>
      said
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, '-')
        .replace(/^-|-$/g, ''),
    )
    .find((said) => said !== '');
  const name = slug ?? 'hsm';
  return taken.includes(name) ? `${name}-probed` : name;
}
