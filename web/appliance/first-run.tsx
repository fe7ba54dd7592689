import { isProblemOf } from '../api/problem.ts';
import { pace } from '../api/looks.ts';
import { useRecord } from '../api/queries.ts';
import { Checklist } from '../parts/checklist.tsx';
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
  return (
    <Checklist
      title={t.firstRun}
      why={t.firstRunWhy}
      steps={[
        {
          text: t.firstToken,
          done: tokens.length > 0 && tokens.every(({ health }) => health === 'ACTIVE'),
          act: { text: t.firstTokenDo, href: `${home}/tokens` },
        },
        {
          text: t.firstCertificate,
          done:
            certificates.length > 0 &&
            certificates.every(({ expiresAt }) => Date.parse(expiresAt) - now > month),
          act: { text: t.firstCertificateDo, href: `${home}/certificates` },
        },
        {
          text: t.firstMail,
          done: mail.data !== undefined && !isProblemOf(mail.error, 'not-found'),
          optional: true,
          act: { text: t.firstMailDo, href: `${home}/mail` },
        },
        { text: t.firstVault, done: false },
      ]}
    />
  );
}
