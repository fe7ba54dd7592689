import { useEffect, useState, type ReactNode } from 'react';
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Checkbox from '@cloudscape-design/components/checkbox';
import FormField from '@cloudscape-design/components/form-field';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useBlocker } from 'react-router';
import { Copyable } from '../frame/copyable.tsx';
import { useHeldPage } from '../frame/hold-page.ts';
import { frame } from '../texts/frame.ts';
import { parts as t } from '../texts/parts.ts';

interface Shown {
  label: string;
  text: string;
}

interface Props {
  title: string;
  /** What is shown this once, and what belongs to it. */
  values: readonly Shown[];
  /** As files, by name: what AWS's console takes, for instance. */
  files?: readonly { name: string; text: string }[];
  children?: ReactNode;
  onClose: () => void;
}

/**
 * A secret that nobody can show again: the panel stays until somebody has copied or downloaded all of it, or says that they have it. It is in
 * the memory of the page alone, and gone with the panel.
 */
export function OneTimePanel({ title, values, files = noFiles, children, onClose }: Props) {
  const [taken, setTaken] = useState(false);
  const copied = useAll(
    values.map(({ label }) => label),
    setTaken,
  );
  const downloaded = useAll(
    files.map(({ name }) => name),
    setTaken,
  );
  useHeldPage(!taken);
  const blocker = useBlocker(!taken);
  useEffect(() => {
    // "Back" as well would have it gone. What is owed first is on the panel.
    if (blocker.state === 'blocked') blocker.reset();
  }, [blocker]);
  return (
    <Modal
      visible
      size="large"
      header={title}
      closeAriaLabel={frame.close}
      onDismiss={() => {
        if (taken) onClose();
      }}
      footer={
        <Box float="right">
          <Button variant="primary" disabled={!taken} onClick={onClose}>
            {t.done}
          </Button>
        </Box>
      }
    >
      <SpaceBetween size="m">
        <Alert type="warning" header={t.one.title}>
          {t.one.why}
        </Alert>
        {children}
        {values.map(({ label, text }) => (
          <FormField key={label} label={label} stretch>
            <Copyable text={text} what={label} onCopied={() => copied(label)} />
          </FormField>
        ))}
        {files.map(({ name, text }) => (
          <Button
            key={name}
            iconName="download"
            onClick={() => {
              download(name, text);
              downloaded(name);
            }}
          >
            {t.one.download} {name}
          </Button>
        ))}
        <Checkbox
          checked={taken}
          onChange={({ detail }) => setTaken(detail.checked)}
          description={taken ? undefined : t.one.leave}
        >
          {t.one.copied}
        </Checkbox>
      </SpaceBetween>
    </Modal>
  );
}

/** What is to be called with each of them, and says so once it has been with all. */
function useAll(all: readonly string[], done: (isDone: true) => void): (one: string) => void {
  const [had, setHad] = useState<ReadonlySet<string>>(new Set());
  return (one) => {
    const now = new Set([...had, one]);
    setHad(now);
    if (all.every((each) => now.has(each))) done(true);
  };
}

const noFiles: readonly { name: string; text: string }[] = [];

/** Saves text as a file; nothing is sent. */
export function download(name: string, text: string, type = 'application/json'): void {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // Once the browser has begun with it.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
