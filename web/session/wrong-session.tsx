import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { ProblemAlert } from '../frame/problem-alert.tsx';
import { frame as t } from '../texts/frame.ts';
import { homeOf, useSession, useSessionFacts } from './session.tsx';
import { useSubmit } from './use-submit.ts';

/** For somebody whose session is of another vault, or of the appliance. */
export function WrongSession() {
  const { user } = useSession();
  const { leave } = useSessionFacts();
  const { submit, busy, problem } = useSubmit(leave);
  return (
    <div className="sign-in">
      <title>{`${t.notYours} · ${t.product}`}</title>
      <main>
        <Container header={<Header variant="h1">{t.notYours}</Header>}>
          <SpaceBetween size="m">
            <Box>{t.notYoursWhy(user.username, user.vaultId === null ? t.theAppliance : t.anotherVault)}</Box>
            {problem !== undefined && <ProblemAlert problem={problem} />}
            <SpaceBetween direction="horizontal" size="xs">
              <Button variant="primary" href={homeOf(user)}>
                {t.goToMine}
              </Button>
              <Button loading={busy} onClick={submit}>
                {t.signOutAndIn}
              </Button>
            </SpaceBetween>
          </SpaceBetween>
        </Container>
      </main>
    </div>
  );
}
