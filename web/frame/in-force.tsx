import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { isFinal, pace } from '../api/looks.ts';
import { useRecord } from '../api/queries.ts';
import { inForce as t } from '../texts/in-force.ts';
import { ProblemAlert } from './problem-alert.tsx';

/** What is done, and not confirmed by every node yet: whom it waits for, until it waits for nobody. `of` is its revision. */
export function InForceProgress({ of: revision }: { of: string | undefined }) {
  const { data, error } = useRecord('getInForce', undefined, {
    query: revision === undefined ? {} : { revision },
    every: (told) => (told.inForce ? false : pace.pending),
  });
  // What was known of it is nothing any more where the store has lost it.
  if (data === undefined || isFinal(error))
    return error === null ? (
      <StatusIndicator type="loading">{t.asking}</StatusIndicator>
    ) : (
      <ProblemAlert problem={error} />
    );
  const { inForce, nodes, confirmed, waiting } = data.body;
  if (inForce) return <StatusIndicator type="success">{t.everywhere}</StatusIndicator>;
  return (
    <>
      <StatusIndicator type="in-progress">{t.waiting(confirmed, nodes)}</StatusIndicator>
      <ul className="plain-list">
        {waiting.map(({ nodeId, hostname, seconds }) => (
          <li key={nodeId}>{t.waitsFor(hostname, seconds)}</li>
        ))}
      </ul>
    </>
  );
}
