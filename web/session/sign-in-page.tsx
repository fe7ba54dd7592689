import { useState } from 'react';
import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useLocation } from 'react-router';
import { EnvironmentBand } from '../frame/environment.tsx';
import { Mark } from '../frame/mark.tsx';
import { frame } from '../texts/frame.ts';
import { signIn as t } from '../texts/sign-in.ts';
import { homeOf, useSessionFacts, type Session } from './session.tsx';
import { SignInSteps } from './sign-in-steps.tsx';

/** The page for whoever is not signed in; where they wanted to go is where they are once they are. */
export function SignInPage({ vaultId }: { vaultId: string | null }) {
  const { state } = useSessionFacts();
  const { pathname, search } = useLocation();
  const owed = state.kind === 'in' && !state.ended ? state.session.state : undefined;
  const [step, setStep] = useState<Session['state'] | undefined>(owed);
  const title = vaultId === null ? t.titleAppliance : t.titleVault;
  const heading = step === 'SECOND_FACTOR' ? t.codeTitle : step === 'PASSWORD_CHANGE' ? t.newTitle : title;
  const description =
    step === 'PASSWORD_CHANGE'
      ? t.newWhy
      : step === undefined
        ? vaultId === null
          ? t.appliance
          : t.vault
        : undefined;
  return (
    <>
      <EnvironmentBand />
      <div className="sign-in">
        <title>{`${title} · ${frame.product}`}</title>
        <main>
          <SpaceBetween size="l">
            <div className="sign-in-mark">
              <Mark />
              <Box variant="h2" tagOverride="div" padding="n">
                {frame.product}
              </Box>
            </div>
            <Container
              header={
                <Header variant="h1" description={description}>
                  {heading}
                </Header>
              }
            >
              <SignInSteps
                vaultId={vaultId}
                to={pathname.startsWith('/console/') ? pathname + search : homeOf({ vaultId })}
                {...(owed === undefined ? {} : { owed })}
                onState={setStep}
              />
            </Container>
          </SpaceBetween>
        </main>
      </div>
    </>
  );
}
