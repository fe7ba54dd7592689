import graphene from 'graphene-pk11';
import pkcs11js from 'pkcs11js';
import type { Profile } from '../../config/profile.ts';
import { Secret } from '../../secret.ts';
import { attempt, CryptokiError, StartError } from './cryptoki-error.ts';
import { CKR, TokenError } from '../faults.ts';
import type { TokenInfo } from '../token-info.ts';
import { modulePath, notLoaded } from './module-file.ts';
import { whyKept, type PinStanding } from './pin-state.ts';
import { reactionTo } from './reactions.ts';
import { chooseToken, readSlots, readTokenInfo, type SeenSlot, type TokenChoice } from './token-choice.ts';

export type { TokenChoice };

export interface ModuleSettings {
  profile: Profile;
  /** Path of the module; without it the first of the profile's that exists. */
  module?: string | undefined;
  /** Library parameters for C_Initialize; without it the profile's. */
  initializeParameters?: string | undefined;
  choose: TokenChoice;
  /** Of the PIN that it is opened with. */
  pinStanding?: PinStanding | undefined;
}

/**
 * Waits for the turn to log in and calls `login` with the PIN of the moment; without a standing it is tried whatever the token
 * says of its PIN. Throws TokenError `pin-refused`, StartError.
 */
export type LogIn = (login: (pin: Secret, standing?: PinStanding) => void) => void;

/** The first login waits for its turn like any later one. */
export const pinInTurn = Symbol('PIN in turn');

/** Told when a part of opening has worked, with what is known by then. */
export type OnOpened = (
  part:
    | { step: 'module'; about: () => string }
    | { step: 'slots'; lib: pkcs11js.PKCS11; slots: readonly SeenSlot[] }
    | { step: 'token'; info: TokenInfo },
) => void;

/** CKS_RO_USER_FUNCTIONS and CKS_RW_USER_FUNCTIONS (PKCS#11 v2.40, CK_STATE). */
const userFunctions = { readOnly: 1, readWrite: 3 };

/** One loaded module with one chosen token: sessions, login, and their repair. Lives only in a token host. */
export class Cryptoki {
  readonly lib: pkcs11js.PKCS11;
  readonly info: TokenInfo;
  readonly #slot: graphene.Slot;
  readonly #logIn: LogIn;
  /** Holds the login for as long as the process lives; C_Logout is never called. */
  #anchor: graphene.Session;
  #session: graphene.Session;

  private constructor(
    lib: pkcs11js.PKCS11,
    slot: graphene.Slot,
    info: TokenInfo,
    login: {
      pin: Secret | typeof pinInTurn | undefined;
      again: LogIn;
      firstStanding: PinStanding | undefined;
    },
  ) {
    this.lib = lib;
    this.info = info;
    this.#slot = slot;
    this.#logIn = login.again;
    this.#anchor = this.#open();
    if (info.loginRequired) {
      const { pin, again, firstStanding } = login;
      if (pin === pinInTurn) again((given, standing) => this.#login(given, standing));
      else if (pin !== undefined) this.#login(pin, firstStanding);
    }
    this.#session = this.#open();
  }

  /**
   * Loads and initialises the module, finds the token, opens sessions, logs in. Throws StartError, CryptokiError or
   * TokenError. `logInAgain` gets the turn and the PIN for a later login, where this one is lost; unless given, the
   * PIN is the first one.
   */
  static open(
    settings: ModuleSettings,
    pin: Secret | typeof pinInTurn | undefined,
    logInAgain: LogIn = (login) => {
      if (pin instanceof Secret) login(pin);
    },
    onOpened: OnOpened = () => undefined,
  ): Cryptoki {
    const path = modulePath(settings);
    const lib = new pkcs11js.PKCS11();
    try {
      lib.load(path);
    } catch (error) {
      throw notLoaded(path, error);
    }
    const parameters = settings.initializeParameters ?? settings.profile.initialize.parameters;
    attempt('C_Initialize', () =>
      // Without CKF_OS_LOCKING_OK SoftHSM turns its mutexes off; pkcs11js loses the last character of the parameters.
      lib.C_Initialize({
        flags: pkcs11js.CKF_OS_LOCKING_OK,
        ...(parameters === undefined ? {} : { libraryParameters: `${parameters} ` }),
      }),
    );
    onOpened({ step: 'module', about: () => aboutModule(lib, path) });
    const slots = readSlots(lib);
    onOpened({ step: 'slots', lib, slots });
    const { slot, info } = chooseToken(slots, settings.choose);
    onOpened({ step: 'token', info });
    // A slot without CKF_LOGIN_REQUIRED (nShield's accelerator slot) refuses C_Login.
    info.loginRequired &&= settings.profile.login.required;
    if (info.loginRequired && pin === undefined)
      throw new StartError(`token "${info.label}" wants a PIN`, 'give it in the configuration, token.pin');
    return new Cryptoki(lib, slot, info, { pin, again: logInAgain, firstStanding: settings.pinStanding });
  }

  /** What the slot tells of its token now; {@link info} is of the start. Throws CryptokiError. */
  readInfo(): TokenInfo {
    return readTokenInfo(this.#slot);
  }

  /** The working session. */
  get session(): graphene.Session {
    return this.#session;
  }

  /** By its handle, in the working session. Throws CryptokiError. */
  destroyObject(handle: Buffer): void {
    attempt('C_DestroyObject', () => this.lib.C_DestroyObject(this.#session.handle, handle));
  }

  get mechanisms(): ReadonlySet<number> {
    return new Set(attempt('C_GetMechanismList', () => this.lib.C_GetMechanismList(this.#slot.handle)));
  }

  /** Flags and key sizes, the latter in the unit of the mechanism. Throws CryptokiError. */
  mechanismInfo(mechanism: number): pkcs11js.MechanismInfo {
    return attempt('C_GetMechanismInfo', () => this.lib.C_GetMechanismInfo(this.#slot.handle, mechanism));
  }

  /** How many more sessions there are, `most` at the most; they are closed again. */
  countSessions(max: number): { opened: number; stoppedBy?: CryptokiError } {
    const sessions: graphene.Session[] = [];
    try {
      while (sessions.length < max) sessions.push(this.#open());
      return { opened: sessions.length };
    } catch (error) {
      if (!(error instanceof CryptokiError)) throw error;
      return { opened: sessions.length, stoppedBy: error };
    } finally {
      for (const session of sessions) this.#close(session);
    }
  }

  /**
   * Whether the login is gone. It goes without a word with the token's last session: then private keys are not
   * refused but not found. Throws CryptokiError.
   */
  get loginLost(): boolean {
    if (!this.info.loginRequired) return false;
    const { state } = attempt('C_GetSessionInfo', () => this.lib.C_GetSessionInfo(this.#session.handle));
    return state !== userFunctions.readOnly && state !== userFunctions.readWrite;
  }

  /** Replaces the working session; the old one may be spoilt, so what closing it says does not matter. */
  reopenSession(): void {
    this.#close(this.#session);
    try {
      this.#session = this.#open();
    } catch (error) {
      if (!(error instanceof CryptokiError)) throw error;
      throw new TokenError('device', error.call, error.rv);
    }
  }

  /** Logs in anew, once, on a new anchor: the old one may be gone with its login. Throws TokenError. */
  logInAgain(): void {
    const old = this.#anchor;
    this.#anchor = this.#open();
    // Only now: closing the last session would end a login that is still there.
    this.#close(old);
    this.reopenSession();
    this.#logInOnTurn();
  }

  /** Gives up every session, and the login with them, and begins again. Throws TokenError, CryptokiError. */
  startAfresh(): void {
    this.#close(this.#session);
    this.#close(this.#anchor);
    this.#anchor = this.#open();
    this.#session = this.#open();
    if (this.info.loginRequired) this.#logInOnTurn();
  }

  #logInOnTurn(): void {
    try {
      this.#logIn((pin, standing) => this.#login(pin, standing));
    } catch (error) {
      // It is no start: this host is lost, and the next one tells why it does not log in.
      if (error instanceof StartError) throw new TokenError('device', 'C_Login', undefined, error.message);
      throw error;
    }
  }

  /** One login for all sessions of the process. A refused PIN is told, never tried again. */
  #login(pin: Secret, standing: PinStanding | undefined): void {
    const kept = standing === undefined ? undefined : whyKept(this.info, this.#flags, standing);
    if (kept !== undefined) throw kept;
    try {
      attempt('C_Login', () => this.lib.C_Login(this.#anchor.handle, pkcs11js.CKU_USER, pin.reveal()));
    } catch (error) {
      if (!(error instanceof CryptokiError)) throw error;
      if (error.rv === CKR.USER_ALREADY_LOGGED_IN) return;
      const refused = error.rv !== undefined && reactionTo('C_Login', error.rv) === 'pin';
      throw new TokenError(refused ? 'pin-refused' : 'device', 'C_Login', error.rv);
    }
  }

  /** CKF_… of the token as they are now; none where it does not tell. */
  get #flags(): number {
    try {
      return attempt('C_GetTokenInfo', () => this.lib.C_GetTokenInfo(this.#slot.handle)).flags;
    } catch (error) {
      if (!(error instanceof CryptokiError)) throw error;
      return 0;
    }
  }

  #close(session: graphene.Session): void {
    try {
      this.lib.C_CloseSession(session.handle);
    } catch {
      // Closed already, or the module is too sick to say so: the next call will tell.
    }
  }

  /** Gives everything back to the module: some HSMs count a session until they are told, or for hours. Never throws. */
  close(): void {
    this.#close(this.#session);
    this.#close(this.#anchor);
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

/** Which module it is, by its own word (C_GetInfo). A module that does not say is used all the same. */
function aboutModule(lib: pkcs11js.PKCS11, path: string): string {
  try {
    const { libraryDescription, libraryVersion, manufacturerID, cryptokiVersion } = lib.C_GetInfo();
    const said = [manufacturerID, libraryDescription].map((text) => text.replaceAll('\0', ' ').trim());
    return (
      `${said.filter((text) => text !== '').join(', ')} ${versionOf(libraryVersion)}, ` +
      `Cryptoki ${versionOf(cryptokiVersion)}, ${path}`
    );
  } catch {
    return path;
  }
}

function versionOf({ major, minor }: pkcs11js.Version): string {
  return `${major}.${minor}`;
}
