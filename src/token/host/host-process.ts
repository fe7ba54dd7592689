import type { Profile } from '../../config/profile.ts';
import { Secret } from '../../secret.ts';
import { LineReader, readSome, readToEnd, writeAll } from './blocking-io.ts';
import { StartError } from './cryptoki-error.ts';
import { Cryptoki, pinInTurn, type LogIn, type ModuleSettings } from './cryptoki.ts';
import type { TokenInfo } from '../token-info.ts';
import { TokenError } from '../faults.ts';
import { FrameCutter, maxFrameBytes } from '../frame-bytes.ts';
import { readRequest } from '../request-frames.ts';
import { writeResponse } from '../response-frames.ts';
import type { Permitted } from '../messages.ts';
import { Gcm } from './gcm.ts';
import { remediationOfRefusedPin } from '../login-gate.ts';
import { Progress } from './progress.ts';
import type { ProgressReport } from '../verification-steps.ts';
import type { OwnKeyProofs, TokenOnRecord } from '../own-key-proofs.ts';
import { remediationOfOwnKeys } from '../own-keys.ts';
import type { PinStanding } from './pin-state.ts';
import { proveMechanisms } from './self-test.ts';
import { startFailure } from './start-failure.ts';
import { TokenHost } from './token-host.ts';
import { tokenWords, type TokenWords } from '../remediations.ts';

/*
 * The token host: a child process that loads one vendor module, logs in and does PKCS#11. Nothing else loads a module.
 *
 * stdin  one JSON document, {@link HostOrder}, with the PIN; then closed
 * fd 3   messages; read and written with blocking calls: this process has nothing else to wait for, and a blocking
 *        read costs a fraction of an event-loop turn. End of file means that nobody needs us:
 *        the sessions are closed, C_Finalize is called, and that is the end; whoever waits for it has a bound.
 * fd 4   one JSON line per change of state, {@link HostReport}; a host whose login is lost asks here for its turn to
 *        log in again, and waits for the {@link LoginTurn}; one whose health key is another asks for its proof
 * stdout and stderr are read by the keeper and go to the node's stderr: what a module prints must not get among the log lines.
 */

/** What the keeper tells a new token host. */
export interface HostOrder extends Omit<ModuleSettings, 'profile'> {
  profile: Profile;
  pin?: string | undefined;
  /** Make our own keys where missing, before the self-test (`holdfast init`). */
  prepare?: boolean | undefined;
  /** The only requests that it answers; all where absent. */
  permitted?: Permitted | undefined;
  /** Proofs of the keys of our own, by the token's serial number; where there are none they are made of what is found. */
  ownProofs?: Readonly<Record<string, OwnKeyProofs>> | undefined;
  /** Which token the store means; absent where whichever is there is to be used. */
  recorded?: TokenOnRecord | undefined;
  /**
   * Make and destroy a key at the start: whether the token takes new ones is told, and keeps nothing else from being done.
   * And make the health key again where it is gone.
   */
  makesKeys?: boolean | undefined;
  /** Tell each step of the start, and ask for the PIN only when it is its turn: the module and the token come first. */
  verify?: boolean | undefined;
}

/** What a token host tells its keeper. */
export type HostReport =
  | {
      state: 'ready';
      token: TokenInfo;
      made: string[];
      ownProofs: OwnKeyProofs;
      alarms: string[];
      noKeys?: TokenWords | undefined;
      operationTime: number;
    }
  | {
      state: 'failed';
      pinRefused: boolean;
      problem: string;
      remediation: string;
      rv?: number | undefined;
      call?: string | undefined;
      missed?: boolean | undefined;
    }
  | ProgressReport
  /** Of a host that is ready: what is wrong with our own keys has changed. `made`: the proofs of those that it made anew. */
  | { state: 'own-keys'; alarms: string[]; made?: OwnKeyProofs | undefined }
  /** Asks for {@link OwnKeyProofs} of the token as they are known by now. */
  | { state: 'proofs-wanted'; serial: string }
  | { state: 'login-wanted' }
  | { state: 'logged-in' }
  | { state: 'dead'; pinRefused: boolean; problem: string };

/** The answer to `login-wanted`: the PIN as it is now, or none where the token has refused it to another host. */
export interface LoginTurn {
  pin?: string | undefined;
  standing?: PinStanding | undefined;
}

const messagesFd = 3;
const reportsFd = 4;

/** Answers to `login-wanted` and `proofs-wanted`, of which it waits for one at a time. */
const turns = new LineReader(reportsFd);

/** The token, once it is open. */
let opened: Cryptoki | undefined;

function main(): never {
  // A terminal's Ctrl-C and a service manager's SIGTERM reach the whole group: a host works on until its worker has
  // drained and lets go of it. Setting a handler is enough, it never gets to run between blocking calls.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
  const order = JSON.parse(readToEnd(0).toString('utf8')) as HostOrder;
  const pin = order.pin === undefined ? undefined : new Secret(order.pin);
  delete order.pin;
  serve(start(order, pin));
}

function start(order: HostOrder, pin: Secret | undefined): TokenHost {
  try {
    if (order.verify === true) return startInSteps(order);
    const cryptoki = Cryptoki.open(order, pin, logInAgain());
    // The others need not wait for what follows: where there are many keys it takes long.
    report({ state: 'logged-in' });
    const host = newHost(cryptoki, order);
    host.assertOnRecord(order.prepare === true);
    const made = order.prepare === true ? host.prepare() : [];
    const operationTime = host.selfTest();
    const noKeys = order.makesKeys === true ? whyNoKeys(host) : undefined;
    const { proofs: ownProofs, alarms } = host.lookAtOwnKeys();
    report({ state: 'ready', token: cryptoki.info, ownProofs, alarms, made, operationTime, noKeys });
    return host;
  } catch (error) {
    report(failure(error));
    process.exit(70);
  }
}

function startInSteps(order: HostOrder): TokenHost {
  const progress = new Progress(report);
  const cryptoki = Cryptoki.open(
    order,
    pinInTurn,
    logInAgain(() => progress.begin()),
    (part) => progress.opened(part),
  );
  progress.done('login', cryptoki.info.loginRequired ? 'logged in' : 'the token wants no login');
  const { mechanisms } = cryptoki;
  progress.mechanisms(mechanisms);
  proveMechanisms({ cryptoki, gcm: new Gcm(cryptoki, order.profile) });
  progress.done('mechanisms', `${mechanisms.size} mechanisms, with AES-GCM and AES key generation`);
  const host = newHost(cryptoki, order);
  host.assertOnRecord(false);
  const operationTime = host.selfTest();
  const { proofs: ownProofs, alarms } = host.lookAtOwnKeys();
  const [alarm] = alarms;
  if (alarm !== undefined) throw new StartError(alarm, remediationOfOwnKeys);
  progress.done(
    'self-test',
    `our own keys are as made, IV mode "${order.profile.iv.mode}" is proven, an altered tag is refused, the longest data and names are taken`,
  );
  host.tryMakingKeys();
  progress.done('key-making', 'a key was made and destroyed again');
  report({ state: 'ready', token: cryptoki.info, ownProofs, alarms, made: [], operationTime });
  return host;
}

/** What is wrong with the making of keys: people have to sign in, and their keys be disabled, all the same. */
function whyNoKeys(host: TokenHost): TokenWords | undefined {
  try {
    host.tryMakingKeys();
    return undefined;
  } catch (error) {
    return tokenWords(error instanceof TokenError ? error : new TokenError('internal', 'trial key'));
  }
}

function newHost(
  cryptoki: Cryptoki,
  { profile, permitted, ownProofs, makesKeys, recorded }: HostOrder,
): TokenHost {
  opened = cryptoki;
  const { serial } = cryptoki.info;
  const latest = () => {
    report({ state: 'proofs-wanted', serial });
    return JSON.parse(turns.next() ?? leave()) as OwnKeyProofs;
  };
  return new TokenHost(cryptoki, profile, permitted, ownProofs?.[serial], { latest, makesKeys, recorded });
}

/** Hosts of a token log in one after another, so that a PIN that is wrong by now is tried once. */
function logInAgain(onTurn: () => void = () => undefined): LogIn {
  return (login) => {
    report({ state: 'login-wanted' });
    const { pin, standing } = JSON.parse(turns.next() ?? leave()) as LoginTurn;
    if (pin === undefined) throw new TokenError('device', 'login turn');
    onTurn();
    login(new Secret(pin), standing);
    report({ state: 'logged-in' });
  };
}

function failure(error: unknown): HostReport {
  const told = startFailure(error);
  if (told.pinRefused) return { state: 'failed', ...told, remediation: remediationOfRefusedPin };
  const { remediation } = told;
  return {
    state: 'failed',
    ...told,
    remediation:
      error instanceof StartError ? remediation : `${remediation}; it is tried again with growing pauses`,
  };
}

function serve(host: TokenHost): never {
  let told = host.alarms.join();
  const cutter = new FrameCutter();
  const chunk = Buffer.allocUnsafe(maxFrameBytes);
  for (;;) {
    const length = readSome(messagesFd, chunk);
    if (length === 0) leave();
    const frames = cutter.push(chunk.subarray(0, length)).map(readRequest);
    if (frames.length === 0) continue;
    const { responses, fatal } = host.answer(frames);
    if (!writeAll(messagesFd, Buffer.concat(responses.map(writeResponse)))) leave();
    if (fatal !== undefined) {
      report({ state: 'dead', pinRefused: fatal.fault === 'pin-refused', problem: fatal.message });
      process.exit(71);
    }
    const { alarms } = host;
    const made = host.takeMade();
    if (made === undefined && alarms.join() === told) continue;
    told = alarms.join();
    report({ state: 'own-keys', alarms, made });
  }
}

function report(line: HostReport): void {
  if (!writeAll(reportsFd, Buffer.from(`${JSON.stringify(line)}\n`))) leave();
}

/** Nobody needs us any more. */
function leave(): never {
  opened?.close();
  process.exit(0);
}

main();
