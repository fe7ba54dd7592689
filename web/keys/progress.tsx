import { useState } from 'react';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import Steps, { type StepsProps } from '@cloudscape-design/components/steps';
import { useLocation } from 'react-router';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { sentence } from '../frame/problem-alert.tsx';
import { keys as t } from '../texts/keys.ts';

type CloudKey = Schemas['CloudKey'];
type KmsKey = Schemas['ShortKmsKey'];

/** What a page of a CloudKey is told by the one before it. */
export interface CloudKeyPageState {
  /** Just made: its making is shown, however soon it was over. */
  isNew: boolean;
}

/**
 * While something of it is still being made: the key in the token, the KMS key, its alias. Whoever has seen it begin sees it end: it
 * stays until the page is left.
 */
export function Progress({ cloudKey }: { cloudKey: CloudKey }) {
  const told = useLocation().state as CloudKeyPageState | null;
  const { state, kmsKeys } = cloudKey;
  // What a person makes in AWS is no progress of ours.
  const ours = kmsKeys.filter(({ origin, step }) => origin !== 'MANUAL' && step !== 'GONE');
  const isUnderWay = state === 'CREATING' || ours.some(({ step }) => step !== 'DONE');
  const [hasBegun, setHasBegun] = useState(isUnderWay || told?.isNew === true);
  if (isUnderWay && !hasBegun) setHasBegun(true);
  const isMade = state === 'CREATING' || state === 'AVAILABLE';
  if (!isUnderWay && (!hasBegun || !isMade)) return null;
  return (
    <Container header={<Header variant="h2">{t.progress}</Header>}>
      <Steps
        ariaLabel={t.progress}
        steps={[
          { header: t.stepToken, status: state === 'CREATING' ? 'in-progress' : 'success' },
          ...ours.flatMap((kmsKey) => stepsOf(kmsKey, state === 'CREATING')),
        ]}
      />
    </Container>
  );
}

const done = { status: 'success' } as const;

/** Its KMS key is asked for once the key is in the token. */
function stepsOf({ step, problem, region, alias }: KmsKey, isEarly: boolean): StepsProps.Step[] {
  const details =
    problem === null ? undefined : `${sentence(problem.message)} ${sentence(problem.remediation)}`;
  const now: StepsProps.Status =
    isEarly || problem?.fault === 'waiting' || problem?.fault === 'settling'
      ? 'pending'
      : problem === null
        ? 'loading'
        : 'error';
  const steps: StepsProps.Step[] = [
    { header: `${t.stepKms}, ${region}`, ...(step === 'KEY' ? { status: now, details } : done) },
    {
      header: t.stepAlias,
      ...(step === 'KEY'
        ? ({ status: 'pending' } as const)
        : step === 'ALIAS'
          ? { status: now, details }
          : done),
    },
  ];
  // It may be without one.
  return alias === '' ? steps.slice(0, 1) : steps;
}
