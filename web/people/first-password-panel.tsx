import type { ReactNode } from 'react';
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import { OneTimePanel } from '../parts/one-time-panel.tsx';
import { sentence } from '../frame/problem-alert.tsx';
import { people as t } from '../texts/people.ts';

interface Props {
  name: string;
  password: string;
  mailProblem?: string | undefined;
  onClose: () => void;
  /** What else is shown only now. */
  children?: ReactNode;
}

/** A first password that did not go by mail, this once. */
export function FirstPasswordPanel({ name, password, mailProblem, onClose, children }: Props) {
  return (
    <OneTimePanel
      title={t.firstPasswordTitle(name)}
      values={[{ label: t.firstPassword, text: password }]}
      onClose={onClose}
    >
      <Box>{t.firstPasswordWhy}</Box>
      {mailProblem !== undefined && (
        <Alert type="info" header={t.mailProblem}>
          {sentence(mailProblem)}
        </Alert>
      )}
      {children}
    </OneTimePanel>
  );
}
