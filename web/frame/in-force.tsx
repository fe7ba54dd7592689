import { useState, type ReactNode } from 'react';
import Icon, { type IconProps } from '@cloudscape-design/components/icon';
import { isFinal, pace } from '../api/looks.ts';
import { isProblemOf } from '../api/problem.ts';
import { useRecord } from '../api/queries.ts';
import { inForce as t } from '../texts/in-force.ts';
import { useFlash } from './flash.tsx';
import { ProblemAlert } from './problem-alert.tsx';

/** What is done, and not confirmed by every node yet: whom it waits for, until it waits for nobody. `of` is its revision. */
export function InForceProgress({ of: revision }: { of: string | undefined }) {
  // Once it is in force it stays so: what is done later is not waited for here.
  const [isDone, setDone] = useState(false);
  const { data, error } = useRecord('getInForce', undefined, {
    query: revision === undefined ? {} : { revision },
    alone: true,
    enabled: !isDone,
    every: pace.pending,
  });
  if (!isDone && data?.body.inForce === true) setDone(true);
  if (isDone) return <Standing icon="status-positive">{t.everywhere}</Standing>;
  // What was known of it is nothing any more where the store has lost it.
  if (error !== null && (data === undefined || isFinal(error))) return <ProblemAlert problem={error} />;
  if (data === undefined) return <Standing icon="status-pending">{t.asking}</Standing>;
  const { nodes, confirmed, waiting } = data.body;
  return (
    <>
      <Standing icon="status-in-progress">{t.waiting(confirmed, nodes)}</Standing>
      <ul className="plain-list">
        {waiting.map(({ nodeId, hostname, seconds }) => (
          <li key={nodeId}>{t.waitsFor(hostname, seconds)}</li>
        ))}
      </ul>
    </>
  );
}

/** In the colour of the flash that it is in: those of states are not to be told from yellow. */
function Standing({ icon, children }: { icon: IconProps.Name; children: ReactNode }) {
  return (
    <div>
      <Icon name={icon} /> <span>{children}</span>
    </div>
  );
}

/**
 * Runs an act. One that is answered `not-in-force` is done: whom it waits for is told above the page, and what follows an act
 * follows it too. Undefined then: what it would have answered is not known.
 */
export function useActing(): <T>(act: () => Promise<T>) => Promise<T | undefined> {
  const flash = useFlash();
  return async (act) => {
    try {
      return await act();
    } catch (error) {
      if (!isProblemOf(error, 'not-in-force')) throw error;
      flash({ type: 'warning', header: t.done, content: <InForceProgress of={error.revision} /> });
      return undefined;
    }
  };
}
