import { useState } from 'react';
import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';
import Form from '@cloudscape-design/components/form';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { call } from '../api/client.ts';
import { isProblemOf } from '../api/problem.ts';
import { ProblemAlert } from '../frame/problem-alert.tsx';
import { signIn as t } from '../texts/sign-in.ts';
import { useSubmit } from './use-submit.ts';

interface Props {
  onStep: (opened: Schemas['OpenedSession']) => void;
  onStartOver: () => void;
}

/** A code of the authenticator app, or a recovery code. */
export function SecondFactorForm({ onStep, onStartOver }: Props) {
  const [code, setCode] = useState('');
  const { submit, busy, problem } = useSubmit(async () => {
    const { body } = await call('giveSecondFactor', { body: { code: code.trim() } });
    onStep(body);
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (code.trim().length >= 6) submit();
      }}
    >
      <Form
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" formAction="none" onClick={onStartOver}>
              {t.startOver}
            </Button>
            <Button variant="primary" formAction="submit" loading={busy}>
              {t.codeSubmit}
            </Button>
          </SpaceBetween>
        }
      >
        <SpaceBetween size="m">
          {problem !== undefined &&
            (isProblemOf(problem, 'sign-in-refused') ? (
              <Alert type="error">{t.codeRefused}</Alert>
            ) : (
              <ProblemAlert problem={problem} />
            ))}
          <FormField label={t.code} description={t.codeWhy}>
            <Input
              name="code"
              autoComplete="one-time-code"
              spellcheck={false}
              value={code}
              onChange={({ detail }) => setCode(detail.value)}
              autoFocus
            />
          </FormField>
        </SpaceBetween>
      </Form>
    </form>
  );
}
