import type { ReactNode } from 'react';
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { mayBeDone, ProblemError } from '../api/problem.ts';
import { frame as t } from '../texts/frame.ts';
import { Copyable } from './copyable.tsx';

interface Props {
  problem: unknown;
  action?: ReactNode;
  /** Places of fields that are told at their inputs. */
  told?: readonly string[];
}

const noPlaces: readonly string[] = [];

/** What was refused, why, the way out, and the id by which the log has it. */
export function ProblemAlert({ problem, action, told = noPlaces }: Props) {
  if (!(problem instanceof ProblemError))
    return (
      <Alert type="error" header={t.crashed} action={action}>
        {t.crashedWhy}
      </Alert>
    );
  const fields = problem.fields.filter(
    ({ where }) => !told.some((one) => where === one || where.startsWith(`${one}/`)),
  );
  return (
    <Alert type={mayBeDone(problem) ? 'warning' : 'error'} header={problem.title} action={action}>
      <SpaceBetween size="xxs">
        {problem.message !== '' && <div>{sentence(problem.message)}</div>}
        {fields.length > 0 && (
          <ul className="plain-list">
            {fields.map(({ where, detail }) => (
              <li key={`${where} ${detail}`}>
                <code>{where}</code> {detail}
              </li>
            ))}
          </ul>
        )}
        {problem.remediation !== undefined && <div>{sentence(problem.remediation)}</div>}
        {problem.requestId !== undefined && (
          <Box fontSize="body-s" color="text-body-secondary">
            {t.requestId} <Copyable text={problem.requestId} />
          </Box>
        )}
      </SpaceBetween>
    </Alert>
  );
}

/** For where a heading or a sentence begins. */
export function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The API's words begin small and end without a stop, for the command line. */
export function sentence(words: string): string {
  if (words === '') return '';
  const begun = capital(words);
  return /[.!?:]$/.test(begun) ? begun : `${begun}.`;
}
