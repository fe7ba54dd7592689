import { useCallback, useRef, type ReactNode } from 'react';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useBlocker } from 'react-router';
import { useHeldPage } from '../frame/hold-page.ts';
import { frame } from '../texts/frame.ts';
import { parts as t } from '../texts/parts.ts';

/**
 * For a page on which somebody types: it is not left without a question while `isDirty`, by a link, "back", or closing it. `letGo` says
 * that what was typed is saved, or is not wanted, and is called before the page is left by itself.
 */
export function useUnsaved(isDirty: boolean): { letGo: () => void; question: ReactNode } {
  const isLetGo = useRef(false);
  useHeldPage(isDirty);
  const blocker = useBlocker(
    useCallback(
      ({ currentLocation, nextLocation }) =>
        isDirty && !isLetGo.current && currentLocation.pathname !== nextLocation.pathname,
      [isDirty],
    ),
  );
  return {
    letGo: () => {
      isLetGo.current = true;
    },
    question: blocker.state === 'blocked' && (
      <Modal
        visible
        header={t.unsaved.title}
        closeAriaLabel={frame.close}
        onDismiss={() => blocker.reset()}
        footer={
          <Box float="right">
            <SpaceBetween direction="horizontal" size="xs">
              <Button variant="link" formAction="none" onClick={() => blocker.proceed()}>
                {t.unsaved.leave}
              </Button>
              <Button variant="primary" formAction="none" onClick={() => blocker.reset()}>
                {t.unsaved.stay}
              </Button>
            </SpaceBetween>
          </Box>
        }
      >
        {t.unsaved.why}
      </Modal>
    ),
  };
}

/** Whether a form is another than it was. */
export function isTyped<F extends object>(form: F, before: F): boolean {
  return JSON.stringify(form) !== JSON.stringify(before);
}
