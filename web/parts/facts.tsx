import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import type { ReactNode } from 'react';

/** In pixels: a UUID, with its button, on one line. */
const idWidth = 300;

/** What is known of a record, in columns; of fewer than asked for where ids would be broken. */
export function Facts({
  columns = 3,
  ids = false,
  items,
}: {
  columns?: number;
  /** There are ids, ARNs or addresses among it. */
  ids?: boolean;
  items: readonly (readonly [string, ReactNode])[];
}) {
  return (
    <KeyValuePairs
      columns={columns}
      {...(ids ? { minColumnWidth: idWidth } : {})}
      items={items.map(([label, value]) => ({ label, value }))}
    />
  );
}
