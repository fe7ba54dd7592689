import pkcs11js from 'pkcs11js';
import type { OnOpened } from './cryptoki.ts';
import type { TokenInfo } from '../token-info.ts';
import { monotonicNow } from '../../clock.ts';
import type { ProgressReport, VerificationStep } from '../verification-steps.ts';

/** Tells each step of a start as soon as it has worked, with the time it took. */
export class Progress {
  readonly #report: (line: ProgressReport) => void;
  #began = monotonicNow();

  constructor(report: (line: ProgressReport) => void) {
    this.#report = report;
  }

  /** What was before was waiting, and is not counted. */
  begin(): void {
    this.#began = monotonicNow();
  }

  opened(part: Parameters<OnOpened>[0]): void {
    if (part.step === 'module') return this.done('module', part.about());
    if (part.step === 'slots') return;
    const { label, serial, model, firmware } = part.info;
    this.done('token', `"${label}", serial ${serial}, ${model}, firmware ${firmware}`, part.info);
  }

  /** Before it is known whether those that are needed are among them. */
  mechanisms(numbers: ReadonlySet<number>): void {
    this.#report({ state: 'mechanisms', names: [...numbers].toSorted((a, b) => a - b).map(mechanismName) });
  }

  done(step: VerificationStep, detail: string, info?: TokenInfo): void {
    const milliseconds = Math.round((monotonicNow() - this.#began) * 10) / 10;
    this.#report({ state: 'step', step, milliseconds, detail, ...(info === undefined ? {} : { info }) });
    this.begin();
  }
}

/** Of two names with one number, such as an old spelling, the first. */
const mechanismNames = new Map<number, string>();
for (const [name, value] of Object.entries(pkcs11js))
  if (name.startsWith('CKM_') && typeof value === 'number' && !mechanismNames.has(value))
    mechanismNames.set(value, name);

export function mechanismName(number: number): string {
  return mechanismNames.get(number) ?? `0x${number.toString(16).padStart(8, '0')}`;
}
