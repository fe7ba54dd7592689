import Box from '@cloudscape-design/components/box';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { State, stateWord } from '../parts/state.tsx';
import { keys as t } from '../texts/keys.ts';
import { parts } from '../texts/parts.ts';

type KmsKey = Schemas['ShortKmsKey'];

/** What AWS has of a CloudKey, a line for each KMS key. */
export function AwsStates({ kmsKeys }: { kmsKeys: readonly KmsKey[] }) {
  if (kmsKeys.length === 0) return <>{parts.none}</>;
  return (
    <SpaceBetween size="xxs">
      {kmsKeys.map((kmsKey) => (
        <div key={kmsKey.id}>
          <AwsState kmsKey={kmsKey} />
          {kmsKeys.length > 1 && <Box color="text-body-secondary"> {kmsKey.region}</Box>}
        </div>
      ))}
    </SpaceBetween>
  );
}

/** What AWS has, where it is on its way to, and whether it differs. */
export function AwsState({ kmsKey }: { kmsKey: KmsKey }) {
  const { step, problem, wanted, drift, cloudStatus } = kmsKey;
  if (step === 'GONE') return <State of="GONE" />;
  if (step !== 'DONE' && problem !== null)
    return (
      <StatusIndicator
        type={problem.fault === 'waiting' || problem.fault === 'settling' ? 'pending' : 'error'}
      >
        {problem.fault === 'waiting' ? `${t.waiting}: ${problem.message}` : problem.code}
      </StatusIndicator>
    );
  if (step !== 'DONE') return <StatusIndicator type="in-progress">{t.notYet}</StatusIndicator>;
  if (wanted !== null)
    return (
      <StatusIndicator type="in-progress">
        {stateWord(cloudStatus)}, {t.wanted[wanted]}
      </StatusIndicator>
    );
  if (drift)
    return (
      <StatusIndicator type="warning">
        {stateWord(cloudStatus)}, {t.drift}
      </StatusIndicator>
    );
  return <State of={cloudStatus} />;
}

/** The same as text, for filters. */
export function awsText(kmsKeys: readonly KmsKey[]): string {
  return kmsKeys
    .map(({ step, drift, cloudStatus }) =>
      step === 'DONE'
        ? `${stateWord(cloudStatus)}${drift ? `, ${t.drift}` : ''}`
        : step === 'GONE'
          ? stateWord('GONE')
          : t.notYet,
    )
    .join('; ');
}
