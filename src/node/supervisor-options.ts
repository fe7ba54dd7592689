import type { LoadedConfig, LoadedMember } from '../config/load.ts';
import type { Logger } from '../log.ts';
import type { Secret } from '../secret.ts';
import type { HostSettings, LoginGate } from '../token/keeper/host-keeper.ts';
import type { TokenReport } from '../admin/services.ts';
import type { KnownTokens } from './known-tokens.ts';

export interface SupervisorOptions {
  config: LoadedConfig;
  log: Logger;
  version: string;
  /** The version with the commit, for operators. */
  build: string;
  /** The PIN of an HSM, read anew at each start of a host. */
  pin: (member: LoadedMember) => Promise<Secret | undefined>;
  /** What is known of its PINs; without it every PIN is tried. */
  pins?: (member: LoadedMember) => HostSettings['pins'];
  /** Titles of HSMs that are known to refuse the PIN that there is: it is not tried. */
  refused?: ReadonlySet<string>;
  /** What the store has of each token. */
  known: KnownTokens;
  /** Tries an HSM with one more host. */
  verifyToken: (member: LoadedMember, settings: HostSettings, gate: LoginGate) => Promise<TokenReport>;
}

/** Where a node listens once it is ready. */
export interface Ports {
  xks: number;
  /** Undefined where the configuration has no management API. */
  admin: number | undefined;
}

/** Why a node cannot serve. */
export interface StartupFailure {
  problem: string;
  /** The token that refused its PIN, if that is it. */
  pinRefusedBy?: string;
}
