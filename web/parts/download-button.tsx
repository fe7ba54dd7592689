import { lazy, Suspense, useState, type JSX } from 'react';
import Button from '@cloudscape-design/components/button';
import { parts as t } from '../texts/parts.ts';
import type { DownloadProps } from './download-dialog.tsx';

const DownloadDialog = lazy(async () => ({
  default: (await import('./download-dialog.tsx')).DownloadDialog,
})) as <T>(props: DownloadProps<T>) => JSX.Element;

/** Beside a list that may be taken along as a file. */
export function DownloadButton<T>(props: Omit<DownloadProps<T>, 'onClose'>) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <Button iconName="download" ariaLabel={t.download.button} onClick={() => setOpen(true)} />
      {isOpen && (
        <Suspense>
          <DownloadDialog<T> {...props} onClose={() => setOpen(false)} />
        </Suspense>
      )}
    </>
  );
}
