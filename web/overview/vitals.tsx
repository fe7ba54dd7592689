import { lazy, Suspense } from 'react';
import { useMay } from '../session/session.tsx';

/** Charts are half of what a first page would load. */
const Charts = lazy(async () => import('./vitals-charts.tsx'));

/** How the nodes were over time: all of them, one of them, or what they found of one token. For those who may see it. */
export function Vitals(of: { node?: string; token?: string; title: string; hasRange?: boolean }) {
  const may = useMay();
  if (!may('getVitals')) return null;
  return (
    <Suspense fallback={null}>
      <Charts {...of} />
    </Suspense>
  );
}
