import Box from '@cloudscape-design/components/box';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { ProblemAlert } from '../frame/problem-alert.tsx';
import { parts as t } from '../texts/parts.ts';
import type { ReadList } from './list.ts';

interface Props<T> {
  /** Asked for the one that the address names. */
  list: ReadList<T>;
  /** False where the address names nothing that there may be. */
  isAsked: boolean;
  /** What is said where there is none. */
  none: string;
}

/** In place of the one thing that an address has open, as long as there is nothing to show of it. */
export function Sought<T>({ list, isAsked, none }: Props<T>) {
  if (isAsked && list.error !== null) return <ProblemAlert problem={list.error} />;
  if (isAsked && list.isPending) return <StatusIndicator type="loading">{t.loading}</StatusIndicator>;
  return <Box>{none}</Box>;
}
