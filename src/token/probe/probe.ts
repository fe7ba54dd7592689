import { monotonicNow } from '../../clock.ts';
import type { Secret } from '../../secret.ts';
import { pinState } from '../host/pin-state.ts';
import type { TokenChoice } from '../host/token-choice.ts';
import type { TokenInfo } from '../token-info.ts';
import { knownRemediation } from '../remediations.ts';
import { newDraft, profileName, toProfile, toToml, type Draft } from './draft-profile.ts';
import type { Finding, ProbeReport, ProbeStep, ProbeVerdict } from './findings.ts';
import { ProbeChild, ProbeFailure } from './probe-child.ts';
import type { LeftKey, OpenReport, PinLine, ProbeQuestions, QuestionName, TokenFacts } from './questions.ts';
import { walk } from './walk.ts';
import { counted } from '../../counted.ts';
import type { Walked } from './walked.ts';

export interface ProbeRequest {
  /** Path of the module. */
  module: string;
  choose: TokenChoice;
  environment: Record<string, string>;
  initializeParameters: string | undefined;
  /** Mechanism number that stands for AES-GCM, where the vendor has one of its own. */
  mechanism: number | undefined;
  /** Asked for once, when the token wants it. */
  pin: () => Promise<Secret>;
  /** A person says that the PIN is to be tried where it may be the last try, or where the token says that it is locked. */
  force: boolean;
  /** How long one C_ function may take, milliseconds. */
  timeout: number;
  /** Of the profile; made of the token's model unless given. */
  name: string | undefined;
  /** Names of the profiles that there are already. */
  taken: readonly string[];
  version: string;
  /** Stops after the question that is under way, and cleans up. */
  signal: AbortSignal;
  onFinding: (finding: Finding) => void;
}

/** Why the PIN was not given to the token. */
class PinKept extends Error {
  readonly remediation: string;

  constructor(problem: string, remediation: string) {
    super(problem);
    this.name = 'PinKept';
    this.remediation = remediation;
  }
}

/**
 * Asks a token that nobody knows all that Holdfast has to know of it, in a process of its own: finds a profile that works, or
 * why none does. Leaves nothing in the token, or names it. Never rejects; leaves no process.
 */
export async function probeToken(request: ProbeRequest): Promise<ProbeReport> {
  return new ProbeRun(request).run();
}

/** One probe: what is known so far, and the process that has the module. */
class ProbeRun implements Walked {
  readonly request: ProbeRequest;
  readonly draft: Draft;
  readonly findings: Finding[] = [];
  facts: TokenFacts | undefined;
  /** By the module's own word. */
  about = '';
  sickAfter: number | undefined;
  #child: ProbeChild | undefined;
  #pin: Secret | undefined;
  #began = monotonicNow();
  #wasIn = false;

  constructor(request: ProbeRequest) {
    this.request = request;
    const { module, environment, initializeParameters, mechanism } = request;
    this.draft = newDraft({ module, environment, initializeParameters, mechanism });
  }

  async run(): Promise<ProbeReport> {
    const { signal } = this.request;
    const stop = await this.#walkAll();
    const left = this.#wasIn ? await this.#cleanUp() : [];
    await this.#child?.kill();
    const [first, ...others] = this.findings.filter(({ result }) => result === 'no');
    // The whole does not work where a part does not: that says nothing more.
    const besides = [...new Set(others.map(({ step }) => step))].filter(
      (step) => step !== first?.step && step !== 'whole',
    );
    const { info } = this.facts ?? {};
    const common = { findings: this.findings, left, ...(info === undefined ? {} : { token: info }) };
    if (signal.aborted) return { ...common, verdict: 'unreached', reason: 'it was interrupted' };
    if (first !== undefined || stop !== undefined || info === undefined)
      return {
        ...common,
        verdict: stop ?? (this.#wasIn ? 'cannot' : 'unreached'),
        reason:
          first === undefined
            ? 'the walk did not come to its end'
            : `${first.step}: ${first.found}${besides.length === 0 ? '' : `; and not only that: ${besides.join(', ')}`}`,
        ...(first?.remediation === undefined ? {} : { remediation: first.remediation }),
      };
    return { ...common, verdict: 'profile', profile: this.#profile(info) };
  }

  /** The verdict, where opening has come to one. */
  async #walkAll(): Promise<ProbeVerdict | undefined> {
    try {
      await this.#open(await this.#startChild(), true);
      this.#wasIn = true;
    } catch (error) {
      return this.#tellNotOpen(error);
    }
    try {
      await walk(this);
    } catch (error) {
      if (!(error instanceof ProbeFailure) && !this.request.signal.aborted) throw error;
    }
    return undefined;
  }

  #tellNotOpen(error: unknown): ProbeVerdict {
    if (error instanceof PinKept) {
      this.tell('pin', 'no', error.message, error.remediation);
      return 'pin-kept';
    }
    const step = this.#openStep();
    if (!(error instanceof ProbeFailure)) {
      // Of the PIN's file or its question.
      const { remediation } = error as { remediation?: unknown };
      this.tell(
        step,
        'no',
        error instanceof Error ? error.message : 'no PIN',
        typeof remediation === 'string' ? remediation : undefined,
      );
      return step === 'login' ? 'pin-kept' : 'unreached';
    }
    const { problem, remediation, pinRefused } = error.told;
    this.tell(step, 'no', problem, pinRefused ? (knownRemediation(error.told.rv) ?? wrongPin) : remediation);
    return pinRefused ? 'pin-refused' : 'unreached';
  }

  /** The step that opening was at. */
  #openStep(): ProbeStep {
    if (this.about === '') return 'module';
    if (this.facts !== undefined) return 'login';
    return this.findings.some(({ step }) => step === 'slots') ? 'token' : 'slots';
  }

  #profile(info: TokenInfo): { name: string; toml: string } {
    const { request, draft, about, findings } = this;
    const name = request.name ?? profileName(info, request.taken);
    const notes = findings
      .filter(({ result }) => result === 'note')
      .map(({ step, found }) => `${step}: ${found}`);
    const { version } = request;
    return { name, toml: toToml(draft, { name, version, about, info, notes, sickAfter: this.sickAfter }) };
  }

  /** Tells a finding, with the time since the last one. */
  tell(step: ProbeStep, result: Finding['result'], found: string, remediation?: string): void {
    const milliseconds = Math.round((monotonicNow() - this.#began) * 10) / 10;
    const finding: Finding = {
      step,
      result,
      milliseconds,
      found,
      ...(remediation === undefined ? {} : { remediation }),
    };
    this.#began = monotonicNow();
    this.findings.push(finding);
    this.request.onFinding(finding);
  }

  /**
   * Asks the process; where it was lost, another one is started first. Throws ProbeFailure; after a `hung` or `died` the
   * next question finds a new process.
   */
  async ask<Name extends QuestionName>(
    name: Name,
    input: ProbeQuestions[Name]['input'],
  ): Promise<ProbeQuestions[Name]['answer']> {
    this.request.signal.throwIfAborted();
    return (await this.#openChild()).ask(name, input);
  }

  /** A second process that is logged in. Throws ProbeFailure. */
  async another(): Promise<ProbeChild> {
    const child = new ProbeChild(this.request.environment, this.request.timeout);
    try {
      await this.#open(child, false);
      return child;
    } catch (error) {
      await child.kill();
      throw error;
    }
  }

  async #openChild(): Promise<ProbeChild> {
    if (this.#child?.isOver === false) return this.#child;
    const child = await this.#startChild();
    await this.#open(child, false);
    return child;
  }

  async #startChild(): Promise<ProbeChild> {
    await this.#child?.kill();
    return (this.#child = new ProbeChild(this.request.environment, this.request.timeout));
  }

  async #open(child: ProbeChild, tells: boolean): Promise<void> {
    const { module, initializeParameters } = this.draft;
    const { choose } = this.request;
    const input = { module, initializeParameters, choose, profile: toProfile(this.draft) };
    await child.ask('open', input, async (report) => this.#take(report, tells));
    if (!tells || this.facts === undefined) return;
    const { loginRequired } = this.facts.info;
    this.draft.loginRequired = loginRequired;
    this.draft.seen['login.required'] = loginRequired
      ? 'C_GetTokenInfo has CKF_LOGIN_REQUIRED, and C_Login with the user PIN works'
      : 'C_GetTokenInfo has no CKF_LOGIN_REQUIRED';
    this.tell('login', 'ok', loginRequired ? 'logged in as user' : 'the token wants no login');
  }

  async #take(report: OpenReport, tells: boolean): Promise<PinLine | undefined> {
    if (report.report === 'login') {
      this.#pin ??= await this.request.pin();
      // Typing it is no time of the token's.
      this.#began = monotonicNow();
      return { pin: this.#pin.reveal() };
    }
    if (!tells) return undefined;
    if (report.report === 'module') {
      this.about = report.about;
      this.draft.seen['modules'] = 'loaded from here';
      this.tell('module', 'ok', report.about);
    } else if (report.report === 'slots') {
      const { slots, empty } = report;
      const none = empty === 0 ? '' : `, and ${empty} without`;
      this.tell('slots', slots.length === 0 ? 'no' : 'ok', `${slots.length} with a token${none}`);
      for (const { number, token, state } of slots) {
        const name =
          token === undefined ? '' : ` "${token.label}", serial ${token.serial || 'none'}, ${token.model}:`;
        this.tell('slots', token === undefined ? 'note' : 'ok', `slot ${number}:${name} ${state}`);
      }
    } else {
      this.facts = report.facts;
      const { label, serial, manufacturer, model, firmware } = report.facts.info;
      this.tell(
        'token',
        'ok',
        `"${label}", serial ${serial}, ${manufacturer} ${model}, firmware ${firmware}`,
      );
      if (report.facts.info.loginRequired) this.#lookAtPin(report.facts.flags);
    }
    return undefined;
  }

  /** Before it is given to the token. Throws PinKept. */
  #lookAtPin(flags: number): void {
    const state = pinState(flags);
    const { force } = this.request;
    if (state === 'well') return this.tell('pin', 'ok', 'the token knows of no wrong PIN');
    if (state === 'locked' && !force)
      throw new PinKept(
        'the token says that its user PIN is locked (CKF_USER_PIN_LOCKED); it was not tried',
        'have the security officer unlock it; --force tries it all the same',
      );
    if (state === 'final-try' && !force)
      throw new PinKept(
        'the next wrong PIN locks the token (CKF_USER_PIN_FINAL_TRY); it was not tried',
        'be sure of the PIN; then --force tries it, and a right one gives all tries back',
      );
    this.tell('pin', 'note', `user PIN: ${state}`);
  }

  async #cleanUp(): Promise<LeftKey[]> {
    try {
      const { destroyed, left } = await (await this.#openChild()).ask('cleanUp', {});
      this.#tellCleanUp(destroyed, left);
      return left;
    } catch (error) {
      if (!(error instanceof ProbeFailure)) throw error;
      this.tell(
        'clean-up',
        'note',
        `not known whether keys of the probe’s are left: ${error.message}`,
        'the next probe of this token destroys them',
      );
      return [];
    }
  }

  #tellCleanUp(destroyed: number, left: readonly LeftKey[]): void {
    const done =
      destroyed === 0 ? 'nothing was left' : `${counted(destroyed, 'key')} of the probe’s destroyed`;
    if (left.length === 0) return this.tell('clean-up', 'ok', done);
    for (const { label, id, why } of left)
      this.tell(
        'clean-up',
        'note',
        `a key of the probe’s is left, CKA_ID ${id}, CKA_LABEL ${label}: ${why}`,
        `pkcs11-tool --module ${this.draft.module} --login --delete-object --type secrkey --id ${id}`,
      );
  }
}

const wrongPin = 'give the right PIN; this one is not tried again, since tokens lock themselves';
