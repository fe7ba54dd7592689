import { existsSync } from 'node:fs';
import graphene from 'graphene-pk11';
import pkcs11js from 'pkcs11js';
import type { Profile } from '../config/profile.ts';
import type { Secret } from '../secret.ts';
import { CKR, TokenError } from './faults.ts';
import { reactionTo } from './reactions.ts';

/** A C_ function that did not return CKR_OK; `rv` is undefined where pkcs11js refused before calling. */
export class CryptokiError extends Error {
  readonly call: string;
  readonly rv: number | undefined;

  constructor(call: string, rv: number | undefined, cause: unknown) {
    super(`${call} failed`, { cause });
    this.name = 'CryptokiError';
    this.call = call;
    this.rv = rv;
  }
}

/** Runs one C_ function and names it in what it throws. */
export function attempt<T>(call: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw new CryptokiError(call, returnValue(error), error);
  }
}

/** pkcs11js puts the number into `.code`, but for some functions only behind the colon of the message. */
function returnValue(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code } = error as { code?: unknown };
  if (typeof code === 'number' && code !== 0) return code;
  const match = /^CKR_\w+:(\d+)/.exec(error.message);
  return match === null ? undefined : Number(match[1]);
}

/** Which token of the module's, and how to get into it. */
export interface TokenChoice {
  /** CKA label of the token, padding removed. */
  label?: string | undefined;
  serial?: string | undefined;
}

export interface ModuleSettings {
  profile: Profile;
  /** Path of the module; without it the first of the profile's that exists. */
  module?: string | undefined;
  /** Library parameters for C_Initialize; without it the profile's. */
  initializeParameters?: string | undefined;
  choose: TokenChoice;
}

export interface TokenInfo {
  label: string;
  serial: string;
  manufacturer: string;
  model: string;
  firmware: string;
  loginRequired: boolean;
}

/** One loaded module with one chosen token: sessions, login, and their repair. Lives only in a token host. */
export class Cryptoki {
  readonly lib: pkcs11js.PKCS11;
  readonly info: TokenInfo;
  readonly #slot: graphene.Slot;
  readonly #pin: Secret | undefined;
  /** Holds the login for as long as the process lives; C_Logout is never called. */
  #anchor: graphene.Session;
  #session: graphene.Session;

  private constructor(lib: pkcs11js.PKCS11, slot: graphene.Slot, info: TokenInfo, pin: Secret | undefined) {
    this.lib = lib;
    this.info = info;
    this.#slot = slot;
    this.#pin = pin;
    this.#anchor = this.#open();
    if (info.loginRequired) this.login();
    this.#session = this.#open();
  }

  /** Loads and initialises the module, finds the token, opens sessions, logs in. Throws TokenError. */
  static open(settings: ModuleSettings, pin: Secret | undefined): Cryptoki {
    const path = settings.module ?? settings.profile.modules.find((candidate) => existsSync(candidate));
    if (path === undefined || !existsSync(path))
      throw new StartError(
        'no PKCS#11 module found',
        `looked at ${settings.module ?? settings.profile.modules.join(', ')}`,
      );
    const lib = new pkcs11js.PKCS11();
    try {
      lib.load(path);
    } catch {
      throw new StartError(
        `${path} is not a PKCS#11 module that can be loaded here`,
        'check its architecture and libraries with ldd',
      );
    }
    const module = new graphene.Module(lib);
    const parameters = settings.initializeParameters ?? settings.profile.initialize.parameters;
    attempt('C_Initialize', () =>
      // Without CKF_OS_LOCKING_OK SoftHSM turns its mutexes off; pkcs11js loses the last character of the parameters.
      lib.C_Initialize({
        flags: pkcs11js.CKF_OS_LOCKING_OK,
        ...(parameters === undefined ? {} : { libraryParameters: `${parameters} ` }),
      }),
    );
    const { slot, info } = chooseToken(module, settings.choose);
    // A slot without CKF_LOGIN_REQUIRED (nShield's accelerator slot) refuses C_Login.
    info.loginRequired &&= settings.profile.login.required;
    if (info.loginRequired && pin === undefined)
      throw new StartError(`token "${info.label}" wants a PIN`, 'give it in the configuration, token.pin');
    return new Cryptoki(lib, slot, info, pin);
  }

  /** The working session. */
  get session(): graphene.Session {
    return this.#session;
  }

  get mechanisms(): ReadonlySet<number> {
    return new Set(attempt('C_GetMechanismList', () => this.lib.C_GetMechanismList(this.#slot.handle)));
  }

  /** One login for all sessions of the process. A refused PIN is told, never tried again. */
  login(): void {
    const pin = this.#pin;
    if (pin === undefined) throw new TokenError('pin-refused', 'C_Login');
    try {
      attempt('C_Login', () => this.lib.C_Login(this.#anchor.handle, pkcs11js.CKU_USER, pin.reveal()));
    } catch (error) {
      if (!(error instanceof CryptokiError)) throw error;
      if (error.rv === CKR.USER_ALREADY_LOGGED_IN) return;
      const refused = error.rv !== undefined && reactionTo('C_Login', error.rv) === 'pin';
      throw new TokenError(refused ? 'pin-refused' : 'device', 'C_Login', error.rv);
    }
  }

  /** Replaces the working session; the old one may be spoilt, so what closing it says does not matter. */
  reopenSession(): void {
    try {
      this.lib.C_CloseSession(this.#session.handle);
    } catch {
      // Closed already, or the module is too sick to say so: opening the next one will tell.
    }
    try {
      this.#session = this.#open();
    } catch (error) {
      if (!(error instanceof CryptokiError)) throw error;
      throw new TokenError('device', error.call, error.rv);
    }
  }

  /** Opens a new anchor where the old one is gone with its login. */
  reopenAnchor(): void {
    this.#anchor = this.#open();
    this.reopenSession();
  }

  finalize(): void {
    try {
      this.lib.C_Finalize();
    } catch {
      // The process ends anyway.
    }
  }

  /** Always read-write: AWS CloudHSM's SDK 5 opens no other, and every token takes it. */
  #open(): graphene.Session {
    const flags = graphene.SessionFlag.SERIAL_SESSION | graphene.SessionFlag.RW_SESSION;
    return attempt('C_OpenSession', () => this.#slot.open(flags));
  }
}

/** The token host cannot start as configured; `problem` and `wayOut` are for the operator, without secrets. */
export class StartError extends Error {
  readonly wayOut: string;

  constructor(problem: string, wayOut: string) {
    super(problem);
    this.name = 'StartError';
    this.wayOut = wayOut;
  }
}

function chooseToken(module: graphene.Module, choose: TokenChoice): { slot: graphene.Slot; info: TokenInfo } {
  const slots = attempt('C_GetSlotList', () => module.getSlots(true));
  const seen: string[] = [];
  const matches: { slot: graphene.Slot; info: TokenInfo }[] = [];
  for (let i = 0; i < slots.length; i++) {
    const slot = slots.items(i);
    const token = attempt('C_GetTokenInfo', () => slot.getToken());
    const label = trim(token.label);
    const serial = trim(token.serialNumber);
    if (label !== '' || serial !== '') seen.push(`"${label}" (serial ${serial === '' ? 'none' : serial})`);
    if (choose.label !== undefined && choose.label !== label) continue;
    if (choose.serial !== undefined && choose.serial !== serial) continue;
    const firmware = token.firmwareVersion;
    matches.push({
      slot,
      info: {
        label,
        serial,
        manufacturer: trim(token.manufacturerID),
        model: trim(token.model),
        firmware: `${firmware.major}.${firmware.minor}`,
        loginRequired: (token.flags & graphene.TokenFlag.LOGIN_REQUIRED) !== 0,
      },
    });
  }
  const wanted = [
    choose.label === undefined ? [] : [`label "${choose.label}"`],
    choose.serial === undefined ? [] : [`serial ${choose.serial}`],
  ].flat();
  const [match, second] = matches;
  if (match === undefined)
    throw new StartError(
      `no token with ${wanted.join(' and ')}`,
      seen.length === 0 ? 'the module shows no token at all' : `the module shows: ${seen.join(', ')}`,
    );
  if (second !== undefined)
    throw new StartError(
      `more than one token with ${wanted.join(' and ')}`,
      `name one by its serial; the module shows: ${seen.join(', ')}`,
    );
  return match;
}

function trim(text: string): string {
  // Fixed-width fields are padded with blanks, by some modules with NUL.
  // eslint-disable-next-line no-control-regex -- NUL is the very thing to remove
  return text.replace(/[\0 ]+$/u, '');
}
