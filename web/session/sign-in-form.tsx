import { useEffect, useState } from 'react';
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Form from '@cloudscape-design/components/form';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQuery } from '@tanstack/react-query';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { call } from '../api/client.ts';
import { isProblemOf } from '../api/problem.ts';
import { ProblemAlert } from '../frame/problem-alert.tsx';
import { signIn as t } from '../texts/sign-in.ts';
import { beginSingleSignOn, signOnInNewTab, takeAsked } from './single-sign-on.ts';
import { useSubmit } from './use-submit.ts';

type Opened = Schemas['OpenedSession'];

interface Props {
  /** Null for the appliance. */
  vaultId: string | null;
  /** Where single sign-on comes back to; none where the page must not be left: then it is done in a tab of its own. */
  to?: string;
  /** Name that is filled in. */
  username?: string;
  onStep: (opened: Opened) => void;
}

/** Name and password, or the way to the provider. */
export function SignInForm({ vaultId, to, username: known = '', onStep }: Props) {
  const [username, setUsername] = useState(known);
  const [password, setPassword] = useState('');
  const [tried, setTried] = useState(false);
  const options = useQuery({
    queryKey: ['sign-in-options', vaultId],
    queryFn: async () =>
      vaultId === null
        ? call('getSignInOptions', {})
        : call('getVaultSignInOptions', { params: { vaultId } }),
    staleTime: 60_000,
  });
  const provider = options.data?.body.singleSignOn ?? null;
  useEffect(() => {
    if (provider !== null && to !== undefined && takeAsked()) void beginSingleSignOn(vaultId, to);
  }, [provider, vaultId, to]);
  const { submit, busy, problem } = useSubmit(async () => {
    const body = { username, password, cookie: true };
    const { body: opened } =
      vaultId === null
        ? await call('signIn', { body })
        : await call('signInToVault', { params: { vaultId }, body });
    setPassword('');
    onStep(opened);
  });
  const missing = (text: string) => (tried && text === '' ? t.missing : undefined);

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        setTried(true);
        if (username !== '' && password !== '') submit();
      }}
    >
      <Form
        actions={
          <Button variant="primary" formAction="submit" loading={busy} fullWidth>
            {t.submit}
          </Button>
        }
      >
        <SpaceBetween size="m">
          {problem !== undefined &&
            (isProblemOf(problem, 'sign-in-refused') ? (
              <Alert type="error" header={t.refused}>
                {t.refusedWhy}
              </Alert>
            ) : (
              <ProblemAlert problem={problem} />
            ))}
          {provider !== null && (
            <>
              <Button
                fullWidth
                iconName="external"
                formAction="none"
                onClick={() =>
                  to === undefined ? signOnInNewTab(vaultId) : void beginSingleSignOn(vaultId, to)
                }
              >
                {t.sso} {t.ssoWhere(provider.issuerHost)}
              </Button>
              {to === undefined && <Box color="text-body-secondary">{t.ssoNewTab}</Box>}
              <Box textAlign="center" color="text-body-secondary">
                {t.or}
              </Box>
            </>
          )}
          <FormField label={t.username} errorText={missing(username)}>
            <Input
              name="username"
              autoComplete="username"
              disableBrowserAutocorrect
              spellcheck={false}
              value={username}
              onChange={({ detail }) => setUsername(detail.value)}
              autoFocus={known === ''}
            />
          </FormField>
          <FormField label={t.password} errorText={missing(password)}>
            <Input
              name="password"
              type="password"
              autoComplete="current-password"
              value={password}
              onChange={({ detail }) => setPassword(detail.value)}
              autoFocus={known !== ''}
            />
          </FormField>
        </SpaceBetween>
      </Form>
    </form>
  );
}
