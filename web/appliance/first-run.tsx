import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { isProblemOf } from '../api/problem.ts';
import { pace } from '../api/looks.ts';
import { useRecord } from '../api/queries.ts';
import { Link } from '../frame/link.tsx';
import { useNow } from '../parts/time.tsx';
import { appliance as t } from '../texts/appliance.ts';

const month = 30 * 86_400_000;
const home = '/console/appliance';

/** What comes before the first vault, each with its state and where it is done. */
export function FirstRun() {
  const now = useNow();
  const status = useRecord('getStatus', undefined, { every: pace.status });
  const mail = useRecord('getMail', undefined, { every: pace.rare });
  const tokens = status.data?.body.tokens ?? [];
  const certificates = status.data?.body.certificates ?? [];
  const lines = [
    {
      done: tokens.length > 0 && tokens.every(({ health }) => health === 'ACTIVE'),
      text: t.firstToken,
      act: t.firstTokenDo,
      href: `${home}/tokens`,
    },
    {
      done:
        certificates.length > 0 && certificates.every(({ expiresAt }) => Date.parse(expiresAt) - now > month),
      text: t.firstCertificate,
      act: t.firstCertificateDo,
      href: home,
    },
    {
      done: mail.data !== undefined && !isProblemOf(mail.error, 'not-found'),
      text: t.firstMail,
      act: t.firstMailDo,
      href: `${home}/mail`,
    },
    { done: false, text: t.firstVault, act: undefined, href: '' },
  ];
  return (
    <Container
      header={
        <Header variant="h2" description={t.firstRunWhy}>
          {t.firstRun}
        </Header>
      }
    >
      <SpaceBetween size="xs">
        {lines.map(({ done, text, act, href }) => (
          <div key={text} className="line">
            <StatusIndicator type={done ? 'success' : 'pending'}>{text}</StatusIndicator>
            {!done && act !== undefined && <Link href={href}>{act}</Link>}
          </div>
        ))}
      </SpaceBetween>
    </Container>
  );
}
