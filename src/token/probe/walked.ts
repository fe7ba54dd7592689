import type { Draft } from './draft-profile.ts';
import type { FindingResult, ProbeStep } from './findings.ts';
import { ProbeFailure, type ProbeChild } from './probe-child.ts';
import type { ProbeQuestions, QuestionName, TokenFacts } from './questions.ts';

/** What the walk is given: the token to ask, and where to put what it finds. */
export interface Walked {
  readonly draft: Draft;
  readonly facts: TokenFacts | undefined;
  /** token.sick_after_ms that this token needs, where the default is too short. */
  sickAfter: number | undefined;
  tell(step: ProbeStep, result: FindingResult, found: string, remediation?: string): void;
  /** Throws ProbeFailure. */
  ask<Name extends QuestionName>(
    name: Name,
    input: ProbeQuestions[Name]['input'],
  ): Promise<ProbeQuestions[Name]['answer']>;
  another(): Promise<ProbeChild>;
}

/** Says no, where it is not the module that did. */
export function no(problem: string, remediation: string): ProbeFailure {
  return new ProbeFailure('refused', { pinRefused: false, problem, remediation });
}
