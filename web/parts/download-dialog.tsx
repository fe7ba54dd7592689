import { useEffect, useState } from 'react';
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import { parts as t } from '../texts/parts.ts';
import { ActDialog } from './act-dialog.tsx';
import { csvOf } from './csv.ts';
import { SelectField } from './fields.tsx';
import { download } from './one-time-panel.tsx';
import type { Column, ReadList } from './list.ts';

/** So many records are put into a file; the command line has no such limit. */
const most = 20_000;

const forms = {
  csv: { label: t.download.csv, type: 'text/csv' },
  jsonl: { label: t.download.jsonl, type: 'application/jsonl' },
} as const;

export interface DownloadProps<T> {
  title: string;
  /** Of the file, without what it ends in. */
  name: string;
  command: string;
  list: ReadList<T>;
  columns: readonly Column<T>[];
  /** What goes into the file: what matches the filter, or what is selected. */
  items: readonly T[];
  isSelection: boolean;
  /** What of the filter the command does not know. */
  beyond?: string;
  onClose: () => void;
}

/** A list as a file: the rest of it is read first, page by page. */
export function DownloadDialog<T>(props: DownloadProps<T>) {
  const { title, name, command, list, columns, items, isSelection, beyond, onClose } = props;
  const [form, setForm] = useState<keyof typeof forms>('csv');
  const { hasNextPage, isFetchingNextPage, fetchNextPage, error } = list;
  const read = list.items.length;
  const isMissing = !isSelection && hasNextPage;
  const isReading = isMissing && read < most && error === null;
  useEffect(() => {
    if (isReading && !isFetchingNextPage) void fetchNextPage();
  }, [isReading, isFetchingNextPage, fetchNextPage]);
  return (
    <ActDialog
      title={t.download.title(title)}
      submitLabel={t.download.submit}
      command={command}
      disabled={isReading || items.length === 0}
      onClose={onClose}
      onSubmit={async () => {
        const text = form === 'csv' ? csvText(columns, items) : jsonLines(items);
        download(`${name}.${form}`, text, forms[form].type);
      }}
    >
      <Box>
        {isReading
          ? t.download.reading(read)
          : isSelection
            ? t.download.selected(items.length)
            : t.download.matching(items.length)}
      </Box>
      {isMissing && !isReading && <Alert type="warning">{t.download.notAll(read)}</Alert>}
      {beyond !== undefined && !isSelection && <Box>{t.download.beyond(beyond)}</Box>}
      <SelectField
        label={t.download.form}
        value={form}
        onValue={(value) => setForm(value as keyof typeof forms)}
        options={Object.entries(forms).map(([value, { label }]) => ({ value, label }))}
      />
    </ActDialog>
  );
}

function csvText<T>(columns: readonly Column<T>[], items: readonly T[]): string {
  const told = columns.flatMap(({ header, text, file }) => {
    const cell = file ?? text;
    return cell === undefined ? [] : [{ header, cell }];
  });
  return csvOf(
    told.map(({ header }) => header),
    items.map((item) => told.map(({ cell }) => cell(item))),
  );
}

/** As the API answers them, one to a line. */
function jsonLines(items: readonly unknown[]): string {
  return items.map((item) => `${JSON.stringify(item)}\n`).join('');
}
