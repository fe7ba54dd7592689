import { readPinFile, type LoadedConfig, type LoadedMember, type LoadedToken } from '../../config/load.ts';
import { pinIn } from '../../config/pin-text.ts';
import { hostSettings } from '../../node/host-settings.ts';
import type { Secret } from '../../secret.ts';
import { HostKeeper, LoginGate } from '../../token/keeper/host-keeper.ts';
import type { ReadyHost } from '../../token/keeper/host-life.ts';
import type { MemberHosts } from '../../token/pool/pool-hosts.ts';
import { TokenPool } from '../../token/pool/token-pool.ts';
import type { ProofsBySerial } from '../../keys/own-key-proofs.ts';
import { ownKeys } from '../../token/own-keys.ts';
import { TokenPools } from '../../vault/tokens.ts';
import type { TokenOnRecord } from '../../token/own-key-proofs.ts';
import { askSecret } from '../client/prompt.ts';
import { assertNotRefused, knownPins } from './refused-pins.ts';

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
  readonly remediation: string;

  readonly pinRefused: boolean;

  constructor(token: string, problem: string, remediation: string, pinRefused: boolean) {
    super(`token ${token}: ${problem}`);
    this.name = 'TokenStartError';
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
 * either. Throws TokenStartError at the first failure; a PIN is tried once.
 */
// oxlint-disable-next-line max-lines-per-function -- one step of the start after another
export async function openTokens(
  config: LoadedConfig,
  tokens: readonly LoadedToken[],
  { prepare = false, ownProofs, onRecord }: OpenTokensOptions = {},
): Promise<OpenTokens> {
  const keepers: HostKeeper[] = [];
  const made = new Map<string, string[]>();
  const hosts = new Map<string, ReadyHost>();
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
    await assertNotRefused(config, member, pin);
    const { token, title } = member;
    const started = Promise.withResolvers<ReadyHost>();
    const keeper = new HostKeeper(
      hostSettings(member, async () => pin, order, knownPins(config, title, ownProofs?.has(token))),
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
          started.reject(new TokenStartError(title, problem, remediation, pinRefused));
        },
      },
    );
    keepers.push(keeper);
    keeper.start();
    return started.promise;
  };
  /** The first member of an HSM group gets our own keys where they are missing; the others are to hold the same. */
  const openToken = async ({ name, members: [first, ...others] }: LoadedToken): Promise<void> => {
    if (first === undefined) return;
    const known = { ownProofs: ownProofs?.get(name), recorded: onRecord?.get(name) };
    const host = await openMember(first, { prepare, ...known });
    made.set(name, host.made);
    hosts.set(name, host);
    const recorded = {
      serials: [host.info.serial],
      proof: host.ownProofs[ownKeys.sealing.label] ?? '',
    };
    await Promise.all(
      others.map(async (member) => openMember(member, { ...known, ...(prepare ? { recorded } : {}) })),
    );
  };
  try {
    await Promise.all(tokens.map(async (token) => openToken(token)));
  } catch (error) {
    await close();
    throw error;
  }
  return { rooms: new TokenPools([...pools.values()]), made, hosts, close };
}

function oneHostEach({ members }: LoadedToken): MemberHosts[] {
  return members.map(({ name }) => ({ name, hosts: 1 }));
}
