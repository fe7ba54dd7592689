import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { pace } from '../api/looks.ts';
import { useRecord } from '../api/queries.ts';
import { inForce as t } from '../texts/in-force.ts';
import { ProblemAlert } from './problem-alert.tsx';

/** What is done, and not confirmed by every node yet: whom it waits for, until it waits for nobody. */
export function InForceProgress() {
  const { data, error } = useRecord('getInForce', undefined, {
    every: (told) => (told.inForce ? false : pace.pending),
  });
  if (data === undefined)
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
