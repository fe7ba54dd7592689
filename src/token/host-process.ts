import { readFileSync, readSync, writeSync } from 'node:fs';
import type { Profile } from '../config/profile.ts';
import { Secret } from '../secret.ts';
import { Cryptoki, CryptokiError, StartError, type ModuleSettings, type TokenInfo } from './cryptoki.ts';
import { TokenError, ckrName } from './faults.ts';
import { FrameCutter, maxFrameBytes, readRequest, writeAnswer, writeFault } from './frames.ts';
import { TokenHost } from './token-host.ts';

/*
 * The token host: a child process that loads one vendor module, logs in and does PKCS#11. Nothing else loads a module.
 *
 * stdin  one JSON document, {@link HostOrder}, with the PIN; then closed
 * fd 3   messages; read and written with blocking calls: this process has nothing else to wait for, and a blocking
 *        read costs a fraction of an event-loop turn. End of file means that nobody needs us: exit.
 * fd 4   one JSON line per change of state, {@link HostReport}
 */

/** What the keeper tells a new token host. */
export interface HostOrder extends Omit<ModuleSettings, 'profile'> {
  profile: Profile;
  pin?: string | undefined;
  /** Make our own keys where missing, before the self-test (`holdfast init`). */
  prepare?: boolean | undefined;
}

/** What a token host tells its keeper. */
export type HostReport =
  | { state: 'ready'; token: TokenInfo; made: string[] }
  | { state: 'failed'; pinRefused: boolean; problem: string; wayOut: string }
  | { state: 'dead'; problem: string };

const messagesFd = 3;
const reportsFd = 4;

function main(): never {
  const order = JSON.parse(readFileSync(0, 'utf8')) as HostOrder;
  const pin = order.pin === undefined ? undefined : new Secret(order.pin);
  delete order.pin;
  const host = start(order, pin);
  serve(host);
}

function start(order: HostOrder, pin: Secret | undefined): TokenHost {
  try {
    const cryptoki = Cryptoki.open(order, pin);
    const host = new TokenHost(cryptoki, order.profile);
    const made = order.prepare === true ? host.prepare() : [];
    host.selfTest();
    report({ state: 'ready', token: cryptoki.info, made });
    return host;
  } catch (error) {
    report(failure(error));
    process.exit(70);
  }
}

function failure(error: unknown): HostReport {
  if (error instanceof StartError)
    return { state: 'failed', pinRefused: false, problem: error.message, wayOut: error.wayOut };
  if (error instanceof TokenError && error.fault === 'pin-refused')
    return {
      state: 'failed',
      pinRefused: true,
      problem: `the token refused the PIN${error.rv === undefined ? '' : ` (${ckrName(error.rv)})`}`,
      wayOut:
        'put the right PIN in place; Holdfast does not try the same one again, since tokens lock themselves',
    };
  const problem =
    error instanceof CryptokiError
      ? `${error.call} failed${error.rv === undefined ? '' : ` (${ckrName(error.rv)})`}`
      : error instanceof TokenError
        ? error.message
        : `unexpected ${error instanceof Error ? error.name : 'failure'}`;
  return {
    state: 'failed',
    pinRefused: false,
    problem,
    wayOut: 'see the module’s own log; it is tried again with growing pauses',
  };
}

function serve(host: TokenHost): never {
  const cutter = new FrameCutter();
  const chunk = Buffer.allocUnsafe(maxFrameBytes);
  for (;;) {
    const length = readSync(messagesFd, chunk, 0, chunk.length, null);
    if (length === 0) process.exit(0);
    const frames = cutter.push(chunk.subarray(0, length)).map(readRequest);
    if (frames.length === 0) continue;
    const { responses, fatal } = host.answer(frames);
    writeAll(
      messagesFd,
      Buffer.concat(
        responses.map(({ id, microseconds, answer }) =>
          answer instanceof TokenError
            ? writeFault(id, microseconds, answer)
            : writeAnswer(id, microseconds, answer),
        ),
      ),
    );
    if (fatal !== undefined) {
      report({ state: 'dead', problem: fatal.message });
      process.exit(71);
    }
  }
}

function report(line: HostReport): void {
  writeAll(reportsFd, Buffer.from(`${JSON.stringify(line)}\n`));
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at, bytes.length - at);
}

main();
