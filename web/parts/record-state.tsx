import type { ReactNode } from 'react';
import Box from '@cloudscape-design/components/box';
import Spinner from '@cloudscape-design/components/spinner';
import { isProblemOf } from '../api/problem.ts';
import { NotFound } from '../frame/not-found.tsx';
import { ProblemAlert } from '../frame/problem-alert.tsx';
import { parts as t } from '../texts/parts.ts';

interface Read<T> {
  data?: { body: T; etag: string | undefined } | undefined;
  error: unknown;
}

/** A record once it is there; till then, or in its place, why it is not. */
export function RecordState<T>({
  read,
  children,
}: {
  read: Read<T>;
  children: (body: T, etag: string) => ReactNode;
}) {
  const { data, error } = read;
  if (isProblemOf(error, 'not-found')) return <NotFound />;
  // A change that says nothing of what it is made against is refused; `*` would be a blind one.
  if (data !== undefined) return <>{children(data.body, data.etag ?? '')}</>;
  if (error !== null) return <ProblemAlert problem={error} />;
  return (
    <Box textAlign="center" padding="xxl">
      <Spinner size="large" /> {t.loading}
    </Box>
  );
}
