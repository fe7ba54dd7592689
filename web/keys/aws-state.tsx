import Box from '@cloudscape-design/components/box';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator, { type StatusIndicatorProps } from '@cloudscape-design/components/status-indicator';
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
  const { sign, word } = awsWord(kmsKey);
  return sign === undefined ? <State of={word} /> : <StatusIndicator type={sign}>{word}</StatusIndicator>;
}

/** The same as text, for filters and files. */
export function awsText(kmsKeys: readonly KmsKey[]): string {
  return kmsKeys
    .map((kmsKey) => {
      const { sign, word } = awsWord(kmsKey);
      return sign === undefined ? stateWord(word) : word;
    })
    .join('; ');
}

/** In words, with the sign for them; without a sign it is a state that has its own. */
function awsWord({ origin, step, problem, wanted, drift, cloudStatus }: KmsKey): {
  sign?: StatusIndicatorProps.Type;
  word: string;
} {
  if (step === 'GONE') return { word: 'GONE' };
  if (step !== 'DONE' && problem?.fault === 'waiting')
    return { sign: 'pending', word: `${t.waiting}: ${problem.message}` };
  if (step !== 'DONE' && problem !== null)
    return { sign: problem.fault === 'settling' ? 'pending' : 'error', word: problem.code };
  if (step !== 'DONE' && origin === 'MANUAL') return { sign: 'pending', word: t.toMake };
  if (step !== 'DONE') return { sign: 'in-progress', word: t.notYet };
  const status = stateWord(cloudStatus);
  if (wanted !== null) return { sign: 'in-progress', word: `${status}, ${t.wanted[wanted]}` };
  if (drift) return { sign: 'warning', word: `${status}, ${t.drift}` };
  return { word: cloudStatus };
}
