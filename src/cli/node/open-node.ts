import { readPinFile, type LoadedConfig, type LoadedToken } from '../../config/load.ts';
import { pinIn } from '../../config/pin-text.ts';
import { hostSettings } from '../../node/host-settings.ts';
import type { Secret } from '../../secret.ts';
import { HostKeeper, LoginGate } from '../../token/keeper/host-keeper.ts';
import type { ReadyHost } from '../../token/keeper/host-life.ts';
import { TokenPool } from '../../token/pool/token-pool.ts';
import type { ProofsBySerial } from '../../keys/own-key-proofs.ts';
import { TokenPools } from '../../vault/tokens.ts';
import type { TokenOnRecord } from '../../token/own-key-proofs.ts';
import { askSecret } from '../client/prompt.ts';
import { assertNotRefused, knownPins } from './refused-pins.ts';

const asked = new Map<string, Promise<Secret>>();

/** The PIN of a token: from its file or credential, anew each time; from the terminal once. */
export async function pinOf(token: Pick<LoadedToken, 'name' | 'pin'>): Promise<Secret | undefined> {
  if (token.pin === undefined) return undefined;
  if (!('prompt' in token.pin)) return readPinFile(token.pin);
  let secret = asked.get(token.name);
  if (secret === undefined) {
    secret = askPin(token.name);
    asked.set(token.name, secret);
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
 * Opens one host for each of `tokens`, for a command that needs them: the command's own process loads no module
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
      new TokenPool(token.name, 1, () => undefined, {
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
  try {
    await Promise.all(
      tokens.map(async (token) => {
        const pin = await pinOf(token);
        await assertNotRefused(config, token, pin);
        const started = Promise.withResolvers<void>();
        const keeper = new HostKeeper(
          hostSettings(
            token,
            async () => pin,
            { prepare, ownProofs: ownProofs?.get(token.name), recorded: onRecord?.get(token.name) },
            knownPins(config, token.name, ownProofs?.has(token.name)),
          ),
          new LoginGate(),
          {
            onReady: (host) => {
              made.set(token.name, host.made);
              hosts.set(token.name, host);
              pools.get(token.name)?.addHost(host.id, host.pid, host.socket, host.operationTime);
              started.resolve();
            },
            onGone: (id) => pools.get(token.name)?.removeHost(id),
            onFailed: (problem, remediation, pinRefused) => {
              started.reject(new TokenStartError(token.name, problem, remediation, pinRefused));
            },
          },
        );
        keepers.push(keeper);
        keeper.start();
        await started.promise;
      }),
    );
  } catch (error) {
    await close();
    throw error;
  }
  return { rooms: new TokenPools([...pools.values()]), made, hosts, close };
}
