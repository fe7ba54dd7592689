import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Alert from '@cloudscape-design/components/alert';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { Copyable } from '../frame/copyable.tsx';
import { Link } from '../frame/link.tsx';
import { sentence } from '../frame/problem-alert.tsx';
import { Facts } from '../parts/facts.tsx';
import { Empty } from '../parts/resource-table.tsx';
import { WholeTime } from '../parts/time.tsx';
import { homeOf, useSession } from '../session/session.tsx';
import { keys as t } from '../texts/keys.ts';
import { parts } from '../texts/parts.ts';
import { AwsState } from './aws-state.tsx';

type KmsKey = Schemas['ShortKmsKey'];

/** Each KMS key that refers to it. */
export function AwsTab({ cloudKey: { id, kmsKeys } }: { cloudKey: Schemas['CloudKey'] }) {
  const home = homeOf(useSession().user);
  if (kmsKeys.length === 0)
    return (
      <Container>
        <Empty title={t.noAws} why={t.noAwsWhy} />
      </Container>
    );
  return (
    <SpaceBetween size="l">
      {kmsKeys.map((kmsKey) => (
        <OneKmsKey key={kmsKey.id} kmsKey={kmsKey} href={`${home}/kms-keys/${id}/${kmsKey.id}`} />
      ))}
    </SpaceBetween>
  );
}

function OneKmsKey({ kmsKey, href }: { kmsKey: KmsKey; href: string }) {
  const { problem, keyArn, alias, region } = kmsKey;
  return (
    <Container
      header={
        <Header variant="h2" actions={<Link href={href}>{t.toKmsKey}</Link>}>
          {alias || region}
        </Header>
      }
    >
      <SpaceBetween size="m">
        <Facts
          items={[
            [t.inAws, <AwsState key="state" kmsKey={kmsKey} />],
            [t.region, region],
            ['ARN', keyArn === null ? parts.none : <Copyable key="arn" text={keyArn} what="ARN" />],
            [t.alias, alias === '' ? parts.none : <Copyable key="alias" text={alias} what={t.alias} />],
          ]}
        />
        {problem !== null && <AwsProblem problem={problem} />}
      </SpaceBetween>
    </Container>
  );
}

/** What AWS said, in words, with the way out. */
export function AwsProblem({ problem }: { problem: NonNullable<KmsKey['problem']> }) {
  return (
    <Alert
      type={problem.fault === 'waiting' || problem.fault === 'settling' ? 'info' : 'error'}
      header={problem.code}
    >
      <div>{sentence(problem.message)}</div>
      <div>{sentence(problem.remediation)}</div>
      <WholeTime at={problem.at} />
    </Alert>
  );
}
