import type { ReactNode } from 'react';
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { useStoppedFact, type StoppingAct } from '../audit/last-act.tsx';
import { Copyable } from '../frame/copyable.tsx';
import { Link } from '../frame/link.tsx';
import { Facts } from '../parts/facts.tsx';
import { recordFacts } from '../parts/record-facts.tsx';
import { Time, WholeTime } from '../parts/time.tsx';
import { refusedFact } from '../requests/refused-fact.tsx';
import { homeOf, useMay, useSession } from '../session/session.tsx';
import { keys as t } from '../texts/keys.ts';
import { parts } from '../texts/parts.ts';
import { versions as v } from '../texts/versions.ts';

type CloudKey = Schemas['CloudKey'];

export function rotationWords(rotation: CloudKey['rotation']): string {
  return rotation.kind === 'DAYS' ? t.everyDays(rotation.days) : t.rotationOf[rotation.kind];
}

/** What has made it as it is. */
const stoppingActs: Partial<Record<CloudKey['state'], StoppingAct>> = {
  DISABLED: 'cloud-key.disable',
  PENDING_DELETION: 'cloud-key.schedule-deletion',
};
/** A key object that is otherwise is refused, and destroyed if it was made here. */
function attributesOf({ rotatedAt }: CloudKey): [string, ReactNode] {
  return [
    v.attributes,
    <span key="attributes">
      {v.attributesWhy} <Time at={rotatedAt} />
    </span>,
  ];
}

/** What it is here, and how often AWS used it. */
export function KeyOverviewTab({ cloudKey }: { cloudKey: Schemas['OneCloudKey'] }) {
  const home = homeOf(useSession().user);
  const may = useMay();
  const { use, quota } = cloudKey;
  const stopped = useStoppedFact(cloudKey.id, stoppingActs[cloudKey.state]);
  return (
    <SpaceBetween size="l">
      {cloudKey.effectiveState === 'FROZEN' && (
        <Alert type="warning" header={t.frozen}>
          {cloudKey.frozenBy.map((freeze) => (
            <div key={freeze.by}>
              {v.frozenBy[freeze.by]} <Time at={freeze.since} />:{' '}
              {freeze.by === 'key-set' ? (
                <Link href={`${home}/key-sets/${cloudKey.keySetId}`}>{cloudKey.keySetName}</Link>
              ) : (
                <Link href={`${home}/settings`}>{v.settings}</Link>
              )}
            </div>
          ))}
        </Alert>
      )}
      <Container header={<Header variant="h2">{t.details}</Header>}>
        <Facts
          ids
          items={[
            [
              t.externalKeyId,
              <div key="id">
                <Copyable text={cloudKey.externalKeyId} what={t.externalKeyId} />
                <Box color="text-body-secondary" fontSize="body-s">
                  {t.externalKeyIdWhy}
                </Box>
              </div>,
            ],
            [
              t.keySet,
              <Link key="set" href={`${home}/key-sets/${cloudKey.keySetId}`}>
                {cloudKey.keySetName}
              </Link>,
            ],
            [v.token, cloudKey.token],
            [t.region, cloudKey.region || parts.none],
            [t.usage, t.usages[cloudKey.usage]],
            ...stopped,
            [t.version, cloudKey.currentVersion],
            ...(cloudKey.state === 'CREATING' ? [] : [attributesOf(cloudKey)]),
            [t.rotation, rotationWords(cloudKey.rotation)],
            [t.rotatedAt, <WholeTime key="rotated" at={cloudKey.rotatedAt} />],
            [t.nextRotation, <WholeTime key="next" at={cloudKey.nextRotationAt} none={parts.never} />],
            [t.expires, <WholeTime key="expires" at={cloudKey.expiresAt} none={parts.never} />],
            [t.quota, quota === null ? t.noQuota : t.quotaOf(quota.requestsPerSecond, quota.burst)],
            ...refusedFact(
              may,
              home,
              ['by-externalKeyId', '=', cloudKey.externalKeyId],
              ['by-keySet', '=', cloudKey.keySetName],
            ),
            ...recordFacts(may, home, cloudKey.id),
            [parts.created, <WholeTime key="created" at={cloudKey.createdAt} />],
            [v.madeBy, cloudKey.madeBy?.name ?? v.madeByUnknown],
            [parts.updated, <WholeTime key="updated" at={cloudKey.updatedAt} />],
          ]}
        />
      </Container>
      <Container
        header={
          <Header variant="h2" description={t.blastWhy}>
            {t.blast}
          </Header>
        }
      >
        <Facts
          columns={4}
          items={[
            [t.encrypts, t.used(use.encrypts)],
            [t.lastEncrypt, <WholeTime key="e" at={use.lastEncryptAt} none={parts.never} />],
            [t.decrypts, t.used(use.decrypts)],
            [t.lastDecrypt, <WholeTime key="d" at={use.lastDecryptAt} none={parts.never} />],
          ]}
        />
      </Container>
    </SpaceBetween>
  );
}
