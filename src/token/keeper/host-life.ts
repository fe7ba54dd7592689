import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Secret } from '../../secret.ts';
import { systemReason } from '../../system-reason.ts';
import { Watchdog } from '../../watchdog.ts';
import type { TokenInfo } from '../token-info.ts';
import type { HostOrder, HostReport, LoginTurn } from '../host/host-process.ts';
import { parseHostReport } from './host-report.ts';
import type { OwnKeyProofs } from '../own-key-proofs.ts';
import { remediationOfRefusedPin, type LoginGate } from '../login-gate.ts';
import { ModuleProcess } from '../module-process.ts';
import type { PinStanding } from '../host/pin-state.ts';
import type { TokenWords } from '../remediations.ts';
import type { ProgressReport } from '../verification-steps.ts';

/** What the node knows of the PINs of one token. */
export interface KnownPins {
  standing: (pin: Secret) => Promise<PinStanding>;
  /** The token has taken it. Resolves once that is kept. */
  accepted: (pin: Secret) => Promise<void>;
  /** The token has refused it. Resolves once that is kept; rejects where it cannot be. */
  refused: (pin: Secret) => Promise<void>;
}

/** What every host of one token is started with. */
export interface HostSettings {
  /** The token's name in the configuration. */
  token: string;
  order: Omit<HostOrder, 'pin'>;
  environment: Record<string, string>;
  /** Read anew at each start, so that a changed PIN file is seen. */
  pin: () => Promise<Secret | undefined>;
  /** What is known of PINs; without it every PIN is tried. */
  pins?: KnownPins | undefined;
  /** Why a token that is ready otherwise is not wanted; without it each is. */
  refuses?: (info: TokenInfo) => TokenWords | undefined;
  /** How long loading, login and self-test may take, milliseconds. */
  startTimeout: number;
}

/** A host that has passed its self-test. */
export interface ReadyHost {
  pid: number;
  /** Our end of fd 3. Nothing is read from it before it is handed on. */
  socket: Socket;
  info: TokenInfo;
  /** Labels of the keys of our own that it made (`prepare`). */
  made: string[];
  /** Proofs of the keys of our own, Base64 by label. */
  ownProofs: OwnKeyProofs;
  /** What is wrong with keys of our own that are not the ones proven. */
  alarms: string[];
  /** Why the token takes no new key, where that was tried (`makesKeys`). */
  noKeys?: TokenWords | undefined;
  /** What an encryption with its decryption took it, milliseconds. */
  operationTime: number;
}

export interface HostEnd {
  /** Whether it had become ready. */
  ready: boolean;
  pinRefused: boolean;
  problem: string;
  remediation: string;
  /** What the C_ function returned that kept it from becoming ready, where that was it. */
  rv?: number | undefined;
  call?: string | undefined;
  /** It did not see the token: another process may (TokenMissedError). */
  missed?: boolean | undefined;
  /** It was killed, since it was not ready in time. */
  overdue?: boolean | undefined;
}

const hostScript = fileURLToPath(new URL('../host/host-process.ts', import.meta.url));
/** How long a report may still be in the pipe when its process has ended, milliseconds. */
const reportTimeout = 200;
/** How long a host that is told to end may take for it, milliseconds. */
const endTimeout = 2_000;

/**
 * One life of a token host. It begins with a turn at the gate and gives it back when the login is over; unless `atGate`
 * is false: then it asks for its turn once it comes to the login (`verify`).
 */
export class HostLife {
  readonly ended: Promise<HostEnd>;
  onReady: (host: ReadyHost) => void = () => undefined;
  /** What is wrong with keys of our own has changed since it became ready; proofs of those that it made anew. */
  onOwnKeys: (alarms: string[], made: OwnKeyProofs | undefined) => void = () => undefined;
  onProgress: (report: ProgressReport) => void = () => undefined;
  /** It has come to a login and waits for its turn. */
  onLoginWanted: () => void = () => undefined;
  readonly #settings: HostSettings;
  readonly #gate: LoginGate;
  readonly #stopping: AbortSignal;
  #child: ModuleProcess | undefined;
  /** Our end of fd 3, until it was handed on. */
  #socket: Socket | undefined;
  #atGate: boolean;
  /** The PIN that it was given last. */
  #given: Secret | undefined;
  /** Whether that is one that the token is not known to take, where anything is known of PINs. */
  #mayBeRefused = false;
  #ending = false;
  #overdue = false;
  #ready = false;
  #unwanted: TokenWords | undefined;
  #last: HostReport | undefined;

  constructor(
    settings: HostSettings,
    gate: LoginGate,
    stopping: AbortSignal,
    pin: Secret | undefined,
    atGate = true,
  ) {
    this.#atGate = atGate;
    this.#settings = settings;
    this.#gate = gate;
    this.#stopping = stopping;
    this.ended = this.#live(pin);
  }

  kill(): void {
    this.#child?.kill();
  }

  /**
   * Lets it close its sessions and call C_Finalize, which it does once nobody has the other end of its socket; kills it
   * where that takes longer than {@link endTimeout}, or where it is not ready yet. What the token says of a PIN that it may
   * refuse is heard first: one that is not remembered is tried again.
   */
  end(): void {
    if (!this.#ready && !(this.#atGate && this.#mayBeRefused)) return this.kill();
    this.#ending = true;
    this.#socket?.destroy();
    const late = setTimeout(() => this.kill(), endTimeout);
    void this.ended.then(() => clearTimeout(late));
  }

  async #live(pin: Secret | undefined): Promise<HostEnd> {
    let how: string;
    try {
      how = await this.#run(pin);
    } catch (error) {
      how = `its process could not be made: ${systemReason(error).words}`;
    }
    const refused = this.#last !== undefined && 'pinRefused' in this.#last && this.#last.pinRefused;
    // Before anybody else gets a turn, and before anybody is told who may end this process for it.
    const unkept = refused ? await this.#keepRefusal() : '';
    if (this.#atGate) this.#gate.leave(refused ? 'pin-refused' : 'failed');
    if (this.#ready) this.#gate.doubt();
    const end = this.#end(how, refused);
    return { ...end, problem: `${end.problem}${unkept}` };
  }

  /** Of the PIN that it was given, whatever is in its place by now. */
  async #keepRefusal(): Promise<string> {
    try {
      if (this.#given !== undefined) await this.#settings.pins?.refused(this.#given);
      return '';
    } catch (error) {
      return ` (which could not be remembered: ${systemReason(error).words})`;
    }
  }

  /** From the process's start to its end; tells how it ended. */
  async #run(pin: Secret | undefined): Promise<string> {
    const { environment, startTimeout, pins } = this.#settings;
    const child = new ModuleProcess({ script: hostScript, environment, socket: true });
    this.#child = child;
    const { socket } = child;
    this.#socket = socket;
    this.#given = pin;
    // The module loads meanwhile.
    const ordered = this.#tellOrder(child.stdin, pin);
    const kept: Promise<void>[] = [];
    const overdue = new Watchdog({
      pid: child.pid,
      bound: () => startTimeout,
      interval: startTimeout / 16,
      onHung: () => {
        this.#overdue = true;
        this.kill();
      },
    });
    child.onLine = (line) => {
      const told = parseHostReport(line);
      // What a module prints there; a host that says nothing else is overdue.
      if (told === undefined) return;
      if (told.state === 'step' || told.state === 'mechanisms') return this.onProgress(told);
      if (told.state === 'own-keys') return this.onOwnKeys(told.alarms, told.made);
      if (told.state === 'proofs-wanted') return this.#giveProofs(child.lines, told.serial);
      this.#last = told;
      if (this.#last.state === 'ready' && !this.#ready) {
        overdue.stop();
        this.#leaveGate();
        this.#becomeReady(this.#last, child.pid ?? 0, socket);
      } else if (this.#last.state === 'logged-in') {
        // That it cannot be kept is nothing to end a process for.
        if (this.#given !== undefined && pins !== undefined)
          kept.push(pins.accepted(this.#given).catch(() => undefined));
        // It gets on: from here on it has its time once more.
        if (!this.#ready) overdue.heard();
        this.#leaveGate();
      }
      if (told.state === 'login-wanted') {
        this.onLoginWanted();
        // Where nobody can say what is known of the PIN it is not given: its end gives the turn back.
        this.#giveTurn(child.lines).catch(() => this.kill());
      }
    };
    let how: string;
    try {
      await ordered;
      how = await child.exited;
    } catch (error) {
      // It was killed, and nobody will have its socket; each try would leave one.
      socket?.destroy();
      await child.exited;
      await child.readRest(reportTimeout);
      throw error;
    } finally {
      overdue.stop();
    }
    await Promise.all(kept);
    // Longer only where a process that the module started holds the pipe open.
    await child.readRest(reportTimeout);
    if (!this.#ready) socket?.destroy();
    return how;
  }

  #becomeReady(
    { token: info, made, ownProofs, alarms, noKeys, operationTime }: Extract<HostReport, { state: 'ready' }>,
    pid: number,
    socket: Socket | undefined,
  ): void {
    this.#unwanted = this.#settings.refuses?.(info);
    if (this.#unwanted !== undefined) return this.kill();
    this.#ready = true;
    if (socket !== undefined)
      this.onReady({ pid, socket, info, made, ownProofs, alarms, noKeys, operationTime });
  }

  /** As they are known by now, for the token of this serial number. */
  #giveProofs(reports: Socket, serial: string): void {
    reports.write(`${JSON.stringify(this.#settings.order.ownProofs?.[serial] ?? {})}\n`);
  }

  async #tellOrder(stdin: ChildProcess['stdin'], pin: Secret | undefined): Promise<void> {
    const { order } = this.#settings;
    try {
      const standing = await this.#standingOf(pin);
      const given = pin === undefined ? {} : { pin: pin.reveal(), pinStanding: standing };
      stdin?.end(JSON.stringify({ ...order, ...given }));
    } catch (error) {
      this.kill();
      throw error;
    }
  }

  /** What is known of the PIN, and so whether the token may refuse it. */
  async #standingOf(pin: Secret | undefined): Promise<PinStanding | undefined> {
    const standing = pin === undefined ? undefined : await this.#settings.pins?.standing(pin);
    this.#mayBeRefused = standing !== undefined && standing !== 'proven';
    return standing;
  }

  #leaveGate(): void {
    if (this.#atGate) this.#gate.leave('ready');
    this.#atGate = false;
    if (this.#ending && !this.#ready) this.kill();
  }

  /** The host's login is lost. It gets the PIN as it is now, when it is its turn. */
  async #giveTurn(reports: Socket): Promise<void> {
    this.#gate.doubt();
    const ended = new AbortController();
    void this.ended.then(() => ended.abort());
    const turn: LoginTurn = {};
    if (await this.#gate.enter(AbortSignal.any([this.#stopping, ended.signal]), 'leave')) {
      this.#atGate = true;
      // Where there is no PIN to be had the host ends, and the next start tells why.
      const pin = await this.#settings.pin().catch(() => undefined);
      this.#given = pin;
      turn.pin = pin?.reveal();
      turn.standing = await this.#standingOf(pin);
    }
    reports.write(`${JSON.stringify(turn)}\n`);
  }

  #end(how: string, pinRefused: boolean): HostEnd {
    const last = this.#last;
    if (this.#ready) {
      const problem = last?.state === 'dead' ? last.problem : how;
      return { ready: true, pinRefused, problem, remediation: remediationOfRefusedPin };
    }
    if (this.#unwanted !== undefined) return { ready: false, pinRefused, ...this.#unwanted };
    if (last?.state === 'failed')
      return {
        ready: false,
        pinRefused,
        problem: last.problem,
        remediation: last.remediation,
        rv: last.rv,
        call: last.call,
        missed: last.missed,
      };
    const why = this.#overdue ? `within ${this.#settings.startTimeout} ms` : `and ended (${how})`;
    return {
      ready: false,
      pinRefused,
      problem: `the token host did not become ready ${why}`,
      remediation: 'the module may hang or crash while loading; see its own log',
      overdue: this.#overdue,
    };
  }
}

export function pinProblem(error: unknown): string {
  return error instanceof Error ? error.message : 'the PIN cannot be read';
}
