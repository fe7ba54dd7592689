import { readPinFile, type LoadedConfig, type LoadedMember, type LoadedToken } from '../../config/load.ts';
import { ConfigError } from '../../config/problem.ts';
import { pinIn } from '../../config/pin-text.ts';
import { hostSettings } from '../../node/host-settings.ts';
import type { Secret } from '../../secret.ts';
import { HostKeeper, LoginGate } from '../../token/keeper/host-keeper.ts';
import { HsmClaims } from '../../token/keeper/hsm-claims.ts';
import type { ReadyHost } from '../../token/keeper/host-life.ts';
import type { MemberHosts } from '../../token/pool/pool-hosts.ts';
import { TokenPool } from '../../token/pool/token-pool.ts';
import type { ProofsBySerial } from '../../keys/own-key-proofs.ts';
import { ownKeys } from '../../token/own-keys.ts';
import { TokenPools } from '../../vault/tokens.ts';
import type { TokenOnRecord } from '../../token/own-key-proofs.ts';
import { askSecret } from '../client/prompt.ts';
import {
  assertNotRefused,
  knownPins,
  ownPinOf,
  PinNotTriedError,
  PinRefusedBeforeError,
  SharedPins,
} from './refused-pins.ts';

const asked = new Map<string, Promise<Secret>>();

/** The PIN of an HSM: from its file or credential, anew each time; from the terminal once. */
export async function pinOf({
  title,
  pin,
}: Pick<LoadedMember, 'title' | 'pin'>): Promise<Secret | undefined> {
  if (pin === undefined) return undefined;
  if (!('prompt' in pin)) return readPinFile(pin);
  let secret = asked.get(title);
  if (secret === undefined) {
    secret = askPin(title);
    asked.set(title, secret);
  }
  return secret;
}

async function askPin(token: string): Promise<Secret> {
  const typed = await askSecret(`PIN of token ${token}: `);
  return pinIn(Buffer.from(typed.reveal()), `token ${token}`);
}

/** A token could not be opened; the text is the host's own report. */
export class TokenStartError extends Error {
  readonly token: string;
  readonly problem: string;
  readonly remediation: string;

  readonly pinRefused: boolean;

  constructor(token: string, problem: string, remediation: string, pinRefused: boolean) {
    super(`token ${token}: ${problem}`);
    this.name = 'TokenStartError';
    this.token = token;
    this.problem = problem;
    this.remediation = remediation;
    this.pinRefused = pinRefused;
  }
}

export interface OpenTokens {
  rooms: TokenPools;
  /** Labels of the keys of our own that were made, by token (`prepare`). */
  made: ReadonlyMap<string, string[]>;
  /** What each token's host told of it: which one it is, and proofs of the keys of our own. */
  hosts: ReadonlyMap<string, Pick<ReadyHost, 'info' | 'made' | 'ownProofs' | 'alarms'>>;
  /** What every HSM that was opened told, of each token the one in `hosts` first. */
  opened: readonly (Pick<ReadyHost, 'info' | 'made' | 'ownProofs'> & { token: string })[];
  /** Members of HSM groups that could not be opened while another member was, by token: a line for each that says why. */
  notOpened: ReadonlyMap<string, readonly string[]>;
  close: () => Promise<void>;
}

export interface OpenTokensOptions {
  /** Make our own keys where they are missing (`holdfast init`). */
  prepare?: boolean;
  /** Proofs of our own keys by token and serial number: what the hosts hold the token's keys against. */
  ownProofs?: ReadonlyMap<string, ProofsBySerial>;
  /** Which token the store means by each name; absent where whichever is there is to be opened. */
  onRecord?: ReadonlyMap<string, TokenOnRecord> | undefined;
}

/**
 * Opens one host for each HSM of `tokens`, for a command that needs them: the command's own process loads no module
 * either. Of an HSM group any member stands in for the others, unless keys of our own are to be made in one that is not on record:
 * then the others have to show them. Throws TokenStartError, PinRefusedBeforeError, ConfigError of the first that is needed. A PIN is
 * tried once, and one after another: what an HSM has refused is tried on no other of its group that is not known to take it.
 */
// oxlint-disable-next-line max-lines-per-function -- one step of the start after another
export async function openTokens(
  config: LoadedConfig,
  tokens: readonly LoadedToken[],
  { prepare = false, ownProofs, onRecord }: OpenTokensOptions = {},
): Promise<OpenTokens> {
  const keepers: HostKeeper[] = [];
  const claims = new HsmClaims();
  const made = new Map<string, string[]>();
  const hosts = new Map<string, ReadyHost>();
  const opened: (ReadyHost & { token: string })[] = [];
  const notOpened = new Map<string, string[]>();
  const shared = new Map(tokens.map(({ name }) => [name, new SharedPins()]));
  const pools = new Map(
    config.tokens.map((token) => [
      token.name,
      new TokenPool(token.name, oneHostEach(token), () => undefined, {
        sickAfter: 10_000,
        killAfter: 60_000,
        queueLength: 64,
        healthInterval: 60_000,
      }),
    ]),
  );
  const close = async () => {
    for (const pool of pools.values()) pool.close();
    await Promise.all(keepers.map(async (keeper) => keeper.stop()));
  };
  const openMember = async (
    member: LoadedMember,
    order: Parameters<typeof hostSettings>[2],
  ): Promise<ReadyHost> => {
    const pin = await pinOf(member);
    const { token, title } = member;
    const pins = knownPins(config, title, ownProofs?.has(token));
    try {
      await assertNotRefused(config, member, pin);
    } catch (error) {
      shared.get(token)?.refused(title, pin);
      throw error;
    }
    await shared.get(token)?.assertMayBeTried(title, pin, pins);
    const started = Promise.withResolvers<ReadyHost>();
    const keeper = new HostKeeper(
      {
        ...hostSettings(member, async () => pin, order, pins),
        refuses: (info) => claims.refuse(member, info),
      },
      new LoginGate(),
      {
        onReady: (host) => {
          pools.get(token)?.addHost(host.id, host.pid, host.socket, {
            operationTime: host.operationTime,
            member: member.name,
            serial: host.info.serial,
          });
          started.resolve(host);
        },
        onGone: (id) => pools.get(token)?.removeHost(id),
        onFailed: (problem, remediation, pinRefused) => {
          if (pinRefused) shared.get(token)?.refused(title, pin);
          started.reject(new TokenStartError(title, problem, remediation, pinRefused));
        },
      },
    );
    keepers.push(keeper);
    keeper.start();
    try {
      const host = await started.promise;
      opened.push({ ...host, token });
      return host;
    } catch (error) {
      // It would try again, and nobody waits for it any more.
      await keeper.stop();
      throw error;
    }
  };
  /** One that says why it could not be opened is passed over. */
  const openIfUp = async (
    member: LoadedMember,
    order: Parameters<typeof hostSettings>[2],
  ): Promise<ReadyHost | undefined> => {
    try {
      return await openMember(member, order);
    } catch (error) {
      if (!isOfMember(error)) throw error;
      const { token, title } = member;
      const words = error instanceof ConfigError ? `token ${title}: ${error.message}` : error.message;
      notOpened.set(token, [...(notOpened.get(token) ?? []), `${words}${wayOut(error)}`]);
      failures.set(token, [...(failures.get(token) ?? []), { title, error }]);
      return undefined;
    }
  };
  const failures = new Map<string, MemberFailure[]>();
  /** What HSMs of a group have refused at an earlier run, before any of them is asked: one that is asked last may have. */
  const noteRefusals = async (members: readonly LoadedMember[]): Promise<void> => {
    // What somebody types is asked for when it is needed.
    for (const member of members.length > 1 ? members : []) {
      if (member.pin === undefined || 'prompt' in member.pin) continue;
      // One that cannot be read is told when it is needed.
      const pin = await pinOf(member).catch(() => undefined);
      try {
        await assertNotRefused(config, member, pin);
      } catch (error) {
        if (!(error instanceof PinRefusedBeforeError)) throw error;
        shared.get(member.token)?.refused(member.title, pin);
      }
    }
  };
  const openToken = async (token: LoadedToken): Promise<void> => {
    const { name, members } = token;
    const recorded = onRecord?.get(name);
    const known = { ownProofs: ownProofs?.get(name), recorded };
    if (prepare && typeof recorded !== 'object') return openAll(token, known);
    await noteRefusals(members);
    let stands: ReadyHost | undefined;
    const others = [...members];
    while (stands === undefined && others.length > 0) {
      const [member] = others.splice(0, 1);
      if (member !== undefined) stands = await openIfUp(member, { prepare, ...known });
    }
    if (stands === undefined) throw mostTelling(name, failures.get(name));
    take(name, stands);
    for (const member of others) await openIfUp(member, known);
  };
  const take = (name: string, host: ReadyHost): void => {
    made.set(name, host.made);
    hosts.set(name, host);
  };
  /** The first member of an HSM group gets our own keys where they are missing; the others are to hold the same. */
  const openAll = async (
    { name, members: [first, ...others] }: LoadedToken,
    known: Parameters<typeof hostSettings>[2],
  ): Promise<void> => {
    if (first === undefined) return;
    const isGroup = others.length > 0;
    const toAsk = [first, ...others];
    try {
      // Each of them is needed: what one has refused at an earlier run is tried on none.
      if (isGroup) for (const member of toAsk) await assertNotRefused(config, member, await pinOf(member));
      toAsk.shift();
      const host = await openMember(first, { prepare, ...known });
      take(name, host);
      const recorded = {
        serials: [host.info.serial],
        proof: host.ownProofs[ownKeys.sealing.label] ?? '',
      };
      for (let member = toAsk.shift(); member !== undefined; member = toAsk.shift())
        await openMember(member, { ...known, recorded });
    } catch (error) {
      if (!isGroup || !isOfMember(error)) throw error;
      const told = withNotAsked(error, toAsk);
      throw told instanceof TokenStartError ? neededFirst(told) : told;
    }
  };
  try {
    await Promise.all(tokens.map(async (token) => openToken(token)));
  } catch (error) {
    await close();
    throw error;
  }
  return { rooms: new TokenPools([...pools.values()]), made, hosts, opened, notOpened, close };
}

type OfMember = TokenStartError | PinRefusedBeforeError | PinNotTriedError | ConfigError;

interface MemberFailure {
  title: string;
  error: OfMember;
}

function isOfMember(error: unknown): error is OfMember {
  return [TokenStartError, PinRefusedBeforeError, PinNotTriedError, ConfigError].some(
    (kind) => error instanceof kind,
  );
}

/** Of a token that none of its HSMs can be opened for: a PIN that was refused comes before whatever else there is. */
function mostTelling(name: string, failures: readonly MemberFailure[] = []): Error {
  const spared = failures.find(({ error }) => error instanceof PinNotTriedError);
  const refused = failures.filter(({ error }) => isRefusal(error));
  const told = refused.find(({ title }) => isSparedBy(title, spared)) ?? refused[0] ?? failures[0];
  if (told === undefined) return new Error(`token ${name} has no member`);
  const notAsked = failures.filter((failure) => isSparedBy(told.title, failure));
  return withNotAsked(told.error, notAsked);
}

function isSparedBy(title: string, failure: MemberFailure | undefined): boolean {
  return failure?.error instanceof PinNotTriedError && failure.error.refusedBy === title;
}

function isRefusal(error: OfMember): error is TokenStartError | PinRefusedBeforeError {
  return error instanceof PinRefusedBeforeError || (error instanceof TokenStartError && error.pinRefused);
}

/** A refused PIN, with the HSMs of the group that were spared it. */
function withNotAsked(error: OfMember, spared: readonly { title: string }[]): OfMember {
  if (!isRefusal(error)) return error;
  const { token, problem, remediation } = error;
  const others = spared.map(({ title }) => title).filter((title) => title !== token);
  if (others.length === 0) return error;
  const where = others.join(', ');
  return new TokenStartError(
    token,
    `${problem}; it was not tried on ${where}, where it would cost a try too`,
    `${remediation}; ${ownPinOf(token)}`,
    true,
  );
}

function wayOut(error: object): string {
  return 'remediation' in error && typeof error.remediation === 'string' ? `; ${error.remediation}` : '';
}

/** Which HSMs hold the same keys shows only where each is asked. */
function neededFirst({ token, problem, remediation, pinRefused }: TokenStartError): TokenStartError {
  const all =
    'every member of an HSM group is needed until the store has the group on record, since each has to show that it holds the same keys; ' +
    'one that is not there yet can be left out of the configuration until it is';
  return new TokenStartError(token, problem, `${remediation}; ${all}`, pinRefused);
}

function oneHostEach({ members }: LoadedToken): MemberHosts[] {
  return members.map(({ name }) => ({ name, hosts: 1 }));
}
