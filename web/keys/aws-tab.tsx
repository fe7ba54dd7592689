import { useState } from 'react';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Alert from '@cloudscape-design/components/alert';
import { useNavigate } from 'react-router';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { useWholeList } from '../api/queries.ts';
import { CreateKmsKeyDialog } from '../cloud/create-kms-key-dialog.tsx';
import { Copyable } from '../frame/copyable.tsx';
import { Link } from '../frame/link.tsx';
import { sentence } from '../frame/problem-alert.tsx';
import { Facts } from '../parts/facts.tsx';
import { filtered } from '../parts/filter-in-address.ts';
import { Empty } from '../parts/resource-table.tsx';
import { WholeTime } from '../parts/time.tsx';
import { homeOf, useMay, useSession, useVaultId } from '../session/session.tsx';
import { keys as t } from '../texts/keys.ts';
import { newKmsKey } from '../texts/kms-keys.ts';
import { parts } from '../texts/parts.ts';
import { AwsState } from './aws-state.tsx';

type KmsKey = Schemas['ShortKmsKey'];

/** Each KMS key that refers to it. */
export function AwsTab({ cloudKey }: { cloudKey: Schemas['CloudKey'] }) {
  const { id, state, keySetId, keySetName, kmsKeys } = cloudKey;
  const home = homeOf(useSession().user);
  const vaultId = useVaultId();
  const may = useMay();
  const navigate = useNavigate();
  const [creating, setCreating] = useState(false);
  const mayCreate = may('createKmsKey') && state !== 'DELETED' && state !== 'PENDING_DELETION';
  const stores = useWholeList('listExternalKeyStores', { vaultId, keySetId }, { enabled: mayCreate });
  const free = (stores.data ?? []).filter((store) => isFree(store, kmsKeys));
  const create = mayCreate && free.length > 0 && (
    <Button onClick={() => setCreating(true)}>{newKmsKey.create}</Button>
  );
  const page = (kmsKeyId: string) => `${home}/kms-keys/${id}/${kmsKeyId}`;
  return (
    <SpaceBetween size="l">
      {kmsKeys.length === 0 && (
        <Container>
          <Empty title={t.noAws} why={t.noAwsWhy}>
            {create === false ? (
              <Link href={filtered(`${home}/external-key-stores`, ['by-keySet', '=', keySetName])}>
                {t.toStores}
              </Link>
            ) : (
              create
            )}
          </Empty>
        </Container>
      )}
      {kmsKeys.map((kmsKey) => (
        <OneKmsKey key={kmsKey.id} kmsKey={kmsKey} href={page(kmsKey.id)} />
      ))}
      {kmsKeys.length > 0 && create}
      {creating && (
        <CreateKmsKeyDialog
          cloudKey={cloudKey}
          stores={free}
          onClose={() => setCreating(false)}
          onMade={(kmsKeyId) => void navigate(page(kmsKeyId))}
        />
      )}
    </SpaceBetween>
  );
}

/** There is one KMS key for a CloudKey in a key store, and what was given up makes room. */
function isFree({ region, wanted }: Schemas['ExternalKeyStore'], kmsKeys: readonly KmsKey[]): boolean {
  return wanted !== 'DELETE' && !kmsKeys.some((kmsKey) => kmsKey.step !== 'GONE' && kmsKey.region === region);
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
