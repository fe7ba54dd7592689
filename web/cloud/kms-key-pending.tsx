import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { WholeTime } from '../parts/time.tsx';
import { kmsKeys } from '../texts/cloud.ts';
import { kmsKeyProgress as t } from '../texts/kms-keys.ts';

type KmsKey = Schemas['KmsKey'];

/** What is asked of AWS and not done yet, how often that has failed and when it is tried next; of one that is given up, its end. */
export function KmsKeyPending({ kmsKey }: { kmsKey: KmsKey }) {
  const { outcome, attempts, nextAttemptAt } = kmsKey;
  if (outcome !== null)
    return (
      <Alert type="info" header={t.gone}>
        {t.outcomes[outcome]}
      </Alert>
    );
  const open = openOf(kmsKey);
  if (open.length === 0) return null;
  return (
    <Alert type="info" header={t.pending}>
      <SpaceBetween size="xs">
        <ul className="plain-list">
          {open.map((what) => (
            <li key={what}>{what}</li>
          ))}
        </ul>
        {attempts > 0 && <Box>{t.attempts(attempts)}</Box>}
        {nextAttemptAt !== null && (
          <Box>
            {t.next}: <WholeTime at={nextAttemptAt} />
          </Box>
        )}
      </SpaceBetween>
    </Alert>
  );
}

/** In words, one a line. */
function openOf({ origin, step, wanted, toApply, leaving }: KmsKey): string[] {
  return [
    ...(leaving === null ? [] : [t.leaving[leaving]]),
    ...(step === 'KEY' && leaving === null && origin !== 'MANUAL' ? [t.key] : []),
    ...(step === 'ALIAS' ? [t.alias] : []),
    ...(wanted === null ? [] : [t.wanted[wanted]]),
    ...(toApply.length === 0 ? [] : [t.toApply(toApply.map((what) => kmsKeys.what[what]))]),
  ];
}
