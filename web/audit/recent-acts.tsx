import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { Link } from '../frame/link.tsx';
import { Time } from '../parts/time.tsx';
import { homeOf, useMay, useSession } from '../session/session.tsx';
import { people as t } from '../texts/people.ts';
import { actorOf, useEvents } from './events.ts';

/** What was done last, for those who may read the audit log. */
export function RecentActs() {
  const { user } = useSession();
  const home = homeOf(user);
  const may = useMay();
  const isOffered = may(user.vaultId === null ? 'listApplianceAuditEvents' : 'listAuditEvents');
  const { items } = useEvents({ limit: 5, sort: '-sequence' }, isOffered);
  if (items.length === 0) return null;
  return (
    <Container
      header={
        <Header variant="h2" actions={<Link href={`${home}/audit`}>{t.toAudit}</Link>}>
          {t.recentActs}
        </Header>
      }
    >
      <SpaceBetween size="xs">
        {items.slice(0, 5).map(({ sequence, at, actor, action, target, outcome }) => (
          <div key={sequence} className="row">
            <Link href={`${home}/audit?event=${sequence}`}>
              <span className="mono">{action}</span>
            </Link>
            <span>
              {outcome === 'done' ? target.name || target.id : t.refusedOn(target.name || target.id)}
            </span>
            <span>{actorOf(actor)}</span>
            <Time at={at} />
          </div>
        ))}
      </SpaceBetween>
    </Container>
  );
}
