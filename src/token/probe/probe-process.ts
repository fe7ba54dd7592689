import pkcs11js from 'pkcs11js';
import { Secret } from '../../secret.ts';
import { LineReader, writeAll } from '../host/blocking-io.ts';
import { Cryptoki, pinInTurn } from '../host/cryptoki.ts';
import { attempt, watchCalls } from '../host/cryptoki-error.ts';
import { pinState } from '../host/pin-state.ts';
import { startFailure } from '../host/start-failure.ts';
import type { SeenSlot } from '../host/token-choice.ts';
import { ProbedToken } from './probed-token.ts';
import type { OpenInput, PinLine, ProbeLine, ProbeQuestion, SlotWords, TokenFacts } from './questions.ts';

/*
 * The process that loads a module for `holdfast token probe`: see questions.ts. It blocks in what it is asked, as a token
 * host does, and ends when nobody asks any more.
 */

const linesFd = 4;
/** Questions, and the PIN where one is asked for. */
const told = new LineReader(0);

let opened: { cryptoki: Cryptoki; token: ProbedToken } | undefined;

function main(): never {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
  watchCalls((call) => tell({ call }));
  for (;;) {
    const question = JSON.parse(told.next() ?? leave()) as ProbeQuestion;
    let line: ProbeLine;
    try {
      line = { answer: answer(question) };
    } catch (error) {
      line = { failed: startFailure(error) };
    }
    tell(line);
  }
}

function answer(question: ProbeQuestion): unknown {
  if (question.ask === 'open') {
    const cryptoki = open(question.input);
    opened = { cryptoki, token: new ProbedToken(cryptoki) };
    return {};
  }
  if (opened === undefined) throw new RangeError('nothing is open');
  const { token } = opened;
  // The name and its input belong together, which the compiler does not see through the union.
  const run = token[question.ask] as (input: unknown) => unknown;
  return run.call(token, question.input);
}

function open({ profile, module, initializeParameters, choose }: OpenInput): Cryptoki {
  let seen: { lib: pkcs11js.PKCS11; slots: readonly SeenSlot[] } | undefined;
  let pin: Secret | undefined;
  return Cryptoki.open(
    { profile, module, initializeParameters, choose },
    pinInTurn,
    (login) => {
      if (pin === undefined) {
        tell({ report: 'login' });
        const given = JSON.parse(told.next() ?? leave()) as PinLine;
        pin = new Secret(given.pin ?? '');
      }
      login(pin);
    },
    (part) => {
      if (part.step === 'module') tell({ report: 'module', about: part.about() });
      else if (part.step === 'slots') {
        seen = part;
        const empty =
          attempt('C_GetSlotList', () => part.lib.C_GetSlotList(false)).length - part.slots.length;
        tell({ report: 'slots', slots: part.slots.map(toWords), empty: Math.max(0, empty) });
      } else {
        const slot = seen?.slots.find(({ info }) => info === part.info);
        if (seen !== undefined && slot !== undefined)
          tell({ report: 'token', facts: factsOf(seen.lib, slot) });
      }
    },
  );
}

function toWords({ number, info, flags, unread }: SeenSlot): SlotWords {
  return { number, token: info, state: unread === undefined ? stateOf(flags) : unread.said };
}

function stateOf(flags: number): string {
  if ((flags & pkcs11js.CKF_TOKEN_INITIALIZED) === 0) return 'not initialised';
  const said = [
    (flags & pkcs11js.CKF_USER_PIN_INITIALIZED) === 0 ? 'no user PIN set' : [],
    (flags & pkcs11js.CKF_LOGIN_REQUIRED) === 0 ? 'no login needed' : [],
    (flags & pkcs11js.CKF_WRITE_PROTECTED) === 0 ? [] : 'write-protected',
    pinState(flags) === 'well' ? [] : `user PIN: ${pinState(flags)}`,
  ].flat();
  return ['initialised', ...said].join(', ');
}

function factsOf(lib: pkcs11js.PKCS11, { slot, info, flags }: SeenSlot): TokenFacts {
  if (info === undefined || slot === undefined) throw new RangeError('a token of which nothing is known');
  const { maxRwSessionCount, rwSessionCount, maxSessionCount } = attempt('C_GetTokenInfo', () =>
    lib.C_GetTokenInfo(slot.handle),
  );
  const max = known(maxRwSessionCount) ?? known(maxSessionCount);
  return {
    info,
    flags,
    sessions: { open: known(rwSessionCount), max: max === 0 ? null : max },
  };
}

/** CK_UNAVAILABLE_INFORMATION is all ones. */
function known(count: number): number | undefined {
  return count < 0 || count >= 0xffffffff ? undefined : count;
}

function tell(line: ProbeLine): void {
  if (!writeAll(linesFd, Buffer.from(`${JSON.stringify(line)}\n`))) leave();
}

function leave(): never {
  watchCalls(undefined);
  opened?.cryptoki.close();
  process.exit(0);
}

main();
