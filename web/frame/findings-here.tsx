import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useLocation } from 'react-router';
import { homeOf, useSession } from '../session/session.tsx';
import { frame as t } from '../texts/frame.ts';
import { isPageOf } from './affected.ts';
import { CommandLine } from './command.tsx';
import { sentence } from './problem-alert.tsx';
import { grave, needsAttention, useStatus } from './status-strip.tsx';

/** On the page of a thing: what the status finds on it, and on what belongs to it. */
export function FindingsHere() {
  const { user } = useSession();
  const { pathname } = useLocation();
  const { data } = useStatus();
  const here = (data?.body.findings ?? []).filter((finding) =>
    isPageOf(pathname, homeOf(user), user.vaultId === null, finding),
  );
  if (here.length === 0) return null;
  return (
    <Box margin={{ bottom: 'l' }}>
      <SpaceBetween size="s">
        {here.map((finding) => {
          const { trouble, where, message, remediation, acknowledgements } = finding;
          const [last] = acknowledgements;
          return (
            <Alert
              key={`${trouble} ${where} ${message}`}
              type={needsAttention(finding) ? (grave.has(trouble) ? 'error' : 'warning') : 'info'}
            >
              <SpaceBetween size="xs">
                <div>{sentence(message)}</div>
                {needsAttention(finding) ? (
                  <CommandLine command={remediation} label={t.mends} />
                ) : (
                  <div>{t.acknowledgedBy(last?.by ?? '', last?.note ?? '')}</div>
                )}
              </SpaceBetween>
            </Alert>
          );
        })}
      </SpaceBetween>
    </Box>
  );
}
