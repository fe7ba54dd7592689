import Container from '@cloudscape-design/components/container';
import CopyToClipboard from '@cloudscape-design/components/copy-to-clipboard';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { pace } from '../api/looks.ts';
import { useRecord } from '../api/queries.ts';
import { CommandLine } from '../frame/command.tsx';
import { ProblemAlert } from '../frame/problem-alert.tsx';
import { useVaultId } from '../session/session.tsx';
import { accounts as t } from '../texts/cloud.ts';
import { commands } from '../texts/commands.ts';
import { frame } from '../texts/frame.ts';

/** The least IAM policy, to be attached in AWS. */
export function AccountPolicy({ account }: { account: Schemas['CspAccount'] }) {
  const vaultId = useVaultId();
  const { data, error } = useRecord(
    'getCspAccountPolicy',
    { vaultId, cspAccountId: account.id },
    { every: pace.rare },
  );
  if (error !== null) return <ProblemAlert problem={error} />;
  if (data === undefined) return null;
  const { statements } = data.body;
  const documents = (Object.keys(t.policies) as (keyof typeof t.policies)[]).flatMap((which) => {
    const document = data.body[which];
    return document === null ? [] : [{ which, text: JSON.stringify(document, undefined, 2) }];
  });
  return (
    <SpaceBetween size="l">
      {documents.map(({ which, text }) => (
        <Container
          key={which}
          header={
            <Header
              variant="h2"
              description={which === 'policy' ? t.policyWhy : undefined}
              actions={
                <CopyToClipboard
                  textToCopy={text}
                  copyButtonText={frame.copy}
                  copyButtonAriaLabel={`${frame.copy}: ${t.policies[which]}`}
                  copySuccessText={frame.copied}
                  copyErrorText={frame.notCopied}
                />
              }
            >
              {t.policies[which]}
            </Header>
          }
        >
          <Json text={text} label={t.policies[which]} />
        </Container>
      ))}
      <Container header={<Header variant="h2">{t.statements}</Header>}>
        <SpaceBetween size="m">
          <ul className="plain-list">
            {statements.map(({ sid, why }) => (
              <li key={sid}>
                <code>{sid}</code> {why}
              </li>
            ))}
          </ul>
          <CommandLine command={commands.accountPolicy(account.name)} />
        </SpaceBetween>
      </Container>
    </SpaceBetween>
  );
}

/** A document as it is, which may be long: it scrolls, by keyboard too. */
export function Json({ text, label }: { text: string; label: string }) {
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls is reached by the keyboard
    <section className="document" tabIndex={0} aria-label={label}>
      <pre>{text}</pre>
    </section>
  );
}
