import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { pace } from '../api/looks.ts';
import { useRecord } from '../api/queries.ts';
import { CommandLine } from '../frame/command.tsx';
import { Facts } from '../parts/facts.tsx';
import { RecordState } from '../parts/record-state.tsx';
import { access as t } from '../texts/access.ts';
import { commands } from '../texts/commands.ts';

/** The rules for passwords, sessions and API keys, as the node goes by them. */
export function SignInRules() {
  const read = useRecord('getSignInRules', undefined, { every: pace.rare });
  return (
    <RecordState read={read}>
      {({ passwords, lockout, sessions, apiKeys }) => (
        <Container
          header={
            <Header variant="h2" description={t.rulesWhy}>
              {t.rules}
            </Header>
          }
        >
          <SpaceBetween size="l">
            <Facts
              items={[
                [t.passwords, t.passwordsOf(passwords.minLength, passwords.maxLength)],
                [t.firstPasswords, t.firstPasswordsOf(passwords.firstPasswordDays)],
                [
                  t.locks,
                  <>
                    <div>{t.locksOf(lockout.afterFailures, lockout.minutes)}</div>
                    <div>{t.lockedFor(lockout.untilUnlockedAfter)}</div>
                  </>,
                ],
                [t.idle, t.idleOf(sessions.idleMinutes)],
                [t.busy, t.idleOf(sessions.maxMinutes)],
                [t.unfinished, t.idleOf(sessions.unfinishedMinutes)],
                [t.perUser, t.perUserOf(sessions.perUser)],
                [t.keyAge, t.keyAgeOf(apiKeys.maxDays)],
                [t.keysPerUser, apiKeys.perUser],
              ]}
            />
            <CommandLine command={commands.sessionRules()} />
          </SpaceBetween>
        </Container>
      )}
    </RecordState>
  );
}
