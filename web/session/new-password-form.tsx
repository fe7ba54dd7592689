import { useState } from 'react';
import Button from '@cloudscape-design/components/button';
import Form from '@cloudscape-design/components/form';
import FormField from '@cloudscape-design/components/form-field';
import Input, { type InputProps } from '@cloudscape-design/components/input';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { call } from '../api/client.ts';
import { fieldProblem } from '../api/problem.ts';
import { ProblemAlert } from '../frame/problem-alert.tsx';
import { signIn as t } from '../texts/sign-in.ts';
import { useSubmit } from './use-submit.ts';

interface Props {
  onStep: (opened: Schemas['OpenedSession']) => void;
  /** With a password that is asked for again, since it was not typed just now. */
  submitLabel?: string;
  /** Of the field for the present one. */
  passwordLabel?: string;
}

/** The old password and the new one, twice. */
export function NewPasswordForm({ onStep, submitLabel = t.newSubmit, passwordLabel = t.password }: Props) {
  const [current, setCurrent] = useState('');
  const [wanted, setWanted] = useState('');
  const [again, setAgain] = useState('');
  const [tried, setTried] = useState(false);
  const { submit, busy, problem } = useSubmit(async () => {
    const { body } = await call('changePassword', {
      body: { currentPassword: current, newPassword: wanted },
    });
    onStep(body);
  });
  const isWhole = current !== '' && wanted !== '' && wanted === again;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        setTried(true);
        if (isWhole) submit();
      }}
    >
      <Form
        actions={
          <Button variant="primary" formAction="submit" loading={busy}>
            {submitLabel}
          </Button>
        }
      >
        <SpaceBetween size="m">
          {problem !== undefined && <ProblemAlert problem={problem} />}
          <FormField label={passwordLabel} errorText={fieldProblem(problem, '/currentPassword')}>
            <PasswordInput
              name="current"
              autoComplete="current-password"
              value={current}
              onText={setCurrent}
              autoFocus
            />
          </FormField>
          <FormField
            label={t.newPassword}
            constraintText={t.newRule}
            errorText={fieldProblem(problem, '/newPassword')}
          >
            <PasswordInput name="new" autoComplete="new-password" value={wanted} onText={setWanted} />
          </FormField>
          <FormField label={t.newAgain} errorText={tried && wanted !== again ? t.differ : undefined}>
            <PasswordInput name="again" autoComplete="new-password" value={again} onText={setAgain} />
          </FormField>
        </SpaceBetween>
      </Form>
    </form>
  );
}

function PasswordInput({
  onText,
  ...props
}: Pick<InputProps, 'name' | 'autoComplete' | 'value' | 'autoFocus'> & { onText: (text: string) => void }) {
  return <Input type="password" {...props} onChange={({ detail }) => onText(detail.value)} />;
}
