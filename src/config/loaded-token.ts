import { drawsIvs } from './draws-ivs.ts';
import { ConfigError } from './problem.ts';
import { loadProfile, type Profile } from './profile.ts';
import type { TokenConfig } from './token-config.ts';

/** One PKCS#11 token of those that hold the keys of a token of Holdfast's. */
export interface LoadedMember extends Pick<
  TokenConfig,
  | 'label'
  | 'serial'
  | 'module'
  | 'environment'
  | 'initialize_parameters'
  | 'pin'
  | 'hosts'
  | 'start_timeout_ms'
> {
  /** The token's, where it is the only one. */
  name: string;
  /** Of the token, by which vaults and key sets name it. */
  token: string;
  /** What people and files know it by: the token's name, and of an HSM group the member's as well. */
  title: string;
  moduleProfile: Profile;
}

/** What vaults and key sets name as a token. */
export interface LoadedToken extends Pick<
  TokenConfig,
  'name' | 'profile' | 'sick_after_ms' | 'kill_after_ms'
> {
  moduleProfile: Profile;
  /** Of an HSM group two or more; else one of the token's own name. */
  members: readonly LoadedMember[];
}

/** Of all tokens, in the order of the configuration. */
export function membersOf({ tokens }: { tokens: readonly LoadedToken[] }): LoadedMember[] {
  return tokens.flatMap(({ members }) => members);
}

/** GetHealthStatus can name no more HSMs (XKS spec, ekmFleetDetails). */
const maxMembers = 10;

/** The tokens, and what is wrong with them, by setting. `profiles` is a directory of the operator's. */
export function loadTokens(
  configured: readonly TokenConfig[],
  resolve: (name: string) => string,
  profiles: string | undefined,
): { tokens: LoadedToken[]; problems: string[] } {
  const problems: string[] = [];
  const tokens: LoadedToken[] = [];
  const names = new Set<string>();
  const takeName = (name: string, key: string) => {
    if (names.has(name)) problems.push(`${key}.name: another token has this name`);
    names.add(name);
  };
  for (const [index, token] of configured.entries()) {
    const key = `token.${index}`;
    takeName(token.name, key);
    for (const [at, { name }] of (token.member ?? []).entries()) takeName(name, `${key}.member.${at}`);
    if (token.kill_after_ms <= token.sick_after_ms)
      problems.push(`${key}.kill_after_ms: must be more than sick_after_ms`);
    try {
      const loaded = loadToken(token, resolve, loadProfile(token.profile, profiles));
      problems.push(...problemsOf(loaded, key));
      tokens.push(loaded);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(...error.problems.map((problem) => `${key}.profile: ${problem}`));
    }
  }
  if (membersOf({ tokens }).length > maxMembers)
    problems.push(
      `token: ${membersOf({ tokens }).length} tokens and members of HSM groups, and GetHealthStatus can name ${maxMembers}`,
    );
  return { tokens, problems };
}

function loadToken(
  { name, profile, sick_after_ms, kill_after_ms, member, ...place }: TokenConfig,
  resolve: (name: string) => string,
  moduleProfile: Profile,
): LoadedToken {
  const loadMember = (own: NonNullable<typeof member>[number]): LoadedMember => {
    const stated = { ...place, ...own };
    return {
      ...stated,
      token: name,
      title: own.name === name ? name : `${name}:${own.name}`,
      environment: { ...place.environment, ...own.environment },
      pin: resolvePin(stated.pin, resolve),
      moduleProfile,
    };
  };
  const members = (member ?? [{ name, environment: {} }]).map(loadMember);
  return { name, profile, sick_after_ms, kill_after_ms, moduleProfile, members };
}

function problemsOf({ members, moduleProfile }: LoadedToken, key: string): string[] {
  const isGroup = members.length > 1;
  const problems: string[] = [];
  const places = new Map<string, string>();
  const serials = new Map<string, string>();
  for (const [at, member] of members.entries()) {
    const here = isGroup ? `${key}.member.${at}` : key;
    const { name, label, serial, module, environment, initialize_parameters: parameters } = member;
    if (label === undefined && serial === undefined)
      problems.push(`${here}: needs label or serial; a token is never chosen by its slot`);
    const place = JSON.stringify([label, serial, module, sorted(environment), parameters]);
    const other = places.get(place);
    if (other !== undefined) problems.push(`${here}: is the same token as member "${other}"`);
    places.set(place, name);
    const twin = serial === undefined ? undefined : serials.get(serial);
    if (other === undefined && twin !== undefined)
      problems.push(`${here}.serial: is that of member "${twin}" too: one HSM by two names is no redundancy`);
    if (serial !== undefined) serials.set(serial, name);
  }
  if (isGroup && !drawsIvs(moduleProfile))
    problems.push(
      `${key}.member: the profile "${moduleProfile.name}" leaves the IVs of AES-GCM to the token (iv.mode "${moduleProfile.iv.mode}") ` +
        'and does not say that they are random (iv.random): two HSMs that each count their own would use a nonce twice under one key, ' +
        'which gives away plaintext and the key of the authentication tags; docs/profiles.md, HSM groups',
    );
  return problems;
}

function sorted(environment: Record<string, string>): string[] {
  return Object.entries(environment)
    .map((variable) => JSON.stringify(variable))
    .toSorted();
}

function resolvePin(pin: TokenConfig['pin'], resolve: (name: string) => string): TokenConfig['pin'] {
  return pin !== undefined && 'file' in pin ? { file: resolve(pin.file) } : pin;
}
