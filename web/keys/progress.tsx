import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import Steps, { type StepsProps } from '@cloudscape-design/components/steps';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { sentence } from '../frame/problem-alert.tsx';
import { keys as t } from '../texts/keys.ts';

type CloudKey = Schemas['CloudKey'];
type KmsKey = Schemas['ShortKmsKey'];

/** While something of it is still being made: the key in the token, the KMS key, its alias. */
export function Progress({ cloudKey }: { cloudKey: CloudKey }) {
  const { state, kmsKeys } = cloudKey;
  // What a person makes in AWS is no progress of ours.
  const open = kmsKeys.filter(
    ({ step, origin }) => origin !== 'MANUAL' && (step === 'KEY' || step === 'ALIAS'),
  );
  if (state !== 'CREATING' && open.length === 0) return null;
  return (
    <Container header={<Header variant="h2">{t.progress}</Header>}>
      <Steps
        ariaLabel={t.progress}
        steps={[
          { header: t.stepToken, status: state === 'CREATING' ? 'in-progress' : 'success' },
          ...(open.length === 0
            ? [{ header: t.stepKms, status: 'pending' as const }]
            : open.flatMap(stepsOf)),
        ]}
      />
    </Container>
  );
}

function stepsOf({ step, problem, region }: KmsKey): StepsProps.Step[] {
  const details =
    problem === null ? undefined : `${sentence(problem.message)} ${sentence(problem.remediation)}`;
  const status: StepsProps.Status =
    problem === null
      ? 'loading'
      : problem.fault === 'waiting' || problem.fault === 'settling'
        ? 'pending'
        : 'error';
  return step === 'KEY'
    ? [
        { header: `${t.stepKms}, ${region}`, status, details },
        { header: t.stepAlias, status: 'pending' },
      ]
    : [
        { header: `${t.stepKms}, ${region}`, status: 'success' },
        { header: t.stepAlias, status, details },
      ];
}
