import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Alert from '@cloudscape-design/components/alert';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { CommandLine } from '../frame/command.tsx';
import { Copyable } from '../frame/copyable.tsx';
import { Link } from '../frame/link.tsx';
import { sentence } from '../frame/problem-alert.tsx';
import { Facts } from '../parts/facts.tsx';
import { filtered } from '../parts/filter-in-address.ts';
import { Empty } from '../parts/resource-table.tsx';
import { WholeTime } from '../parts/time.tsx';
import { homeOf, useMay, useSession } from '../session/session.tsx';
import { commands } from '../texts/commands.ts';
import { keys as t } from '../texts/keys.ts';
import { parts } from '../texts/parts.ts';
import { AwsState } from './aws-state.tsx';

type KmsKey = Schemas['ShortKmsKey'];

/** Each KMS key that refers to it. */
export function AwsTab({ cloudKey }: { cloudKey: Schemas['CloudKey'] }) {
  const { id, name, state, keySetName, kmsKeys } = cloudKey;
  const home = homeOf(useSession().user);
  const may = useMay();
  if (kmsKeys.length === 0)
    return (
      <Container>
        <SpaceBetween size="m">
          <Empty title={t.noAws} why={t.noAwsWhy}>
            <Link href={filtered(`${home}/external-key-stores`, ['by-keySet', '=', keySetName])}>
              {t.toStores}
            </Link>
          </Empty>
          {state !== 'DELETED' && may('createKmsKey') && (
            <CommandLine command={commands.kmsKeyCreate(name, keySetName)} label={t.makeCommand} />
          )}
        </SpaceBetween>
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
          ids
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
