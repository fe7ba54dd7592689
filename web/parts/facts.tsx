import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import type { ReactNode } from 'react';

/** What is known of a record, in columns. */
export function Facts({
  columns = 3,
  items,
}: {
  columns?: number;
  items: readonly (readonly [string, ReactNode])[];
}) {
  return <KeyValuePairs columns={columns} items={items.map(([label, value]) => ({ label, value }))} />;
}
