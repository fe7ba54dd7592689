import { useState } from 'react';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import type { BodyOf } from '../api/operation-types.ts';
import { useToldOf } from '../api/queries.ts';
import { Json } from '../cloud/account-policy.tsx';
import { CommandLine } from '../frame/command.tsx';
import { Copyable } from '../frame/copyable.tsx';
import { ProblemAlert } from '../frame/problem-alert.tsx';
import { Facts } from '../parts/facts.tsx';
import { useVaultId } from '../session/session.tsx';
import { kmsKeys } from '../texts/cloud.ts';
import { keys as t } from '../texts/keys.ts';
import { newKey } from '../texts/new-key.ts';
import { parts } from '../texts/parts.ts';

type Body = BodyOf<'previewCloudKey'>;
type Preview = Schemas['CloudKeyPreview'];

/** What the node would make of it. Nothing is made by asking. */
function usePreview(body: Body | undefined, enabled = true) {
  const vaultId = useVaultId();
  const input = body === undefined ? undefined : { params: { vaultId }, body };
  return useToldOf('previewCloudKey', input, enabled);
}

/** The key policy that follows from who may use it: shown when somebody asks, of what is typed by then. */
export function PolicyPreview({ body, command }: { body: Body | undefined; command: string }) {
  const [asked, setAsked] = useState<Body>();
  const { data, error, isFetching } = usePreview(asked);
  const isOld = asked !== undefined && JSON.stringify(asked) !== JSON.stringify(body);
  return (
    <Container
      header={
        <Header
          variant="h2"
          description={newKey.policyWhy}
          actions={
            <Button
              formAction="none"
              loading={isFetching}
              disabled={body === undefined}
              onClick={() => setAsked(body)}
            >
              {newKey.showPolicy}
            </Button>
          }
        >
          {kmsKeys.policy}
        </Header>
      }
    >
      <SpaceBetween size="m">
        {error !== null && <ProblemAlert problem={error} />}
        {isOld && <StatusIndicator type="info">{newKey.policyOld}</StatusIndicator>}
        {data !== undefined && <Policy of={data.body} />}
        <CommandLine command={command} />
      </SpaceBetween>
    </Container>
  );
}

function Policy({ of: { kmsKey } }: { of: Preview }) {
  if (kmsKey === null) return <>{t.willAwsNot}</>;
  if (kmsKey.policy === null) return <>{newKey.policyLater}</>;
  return <Json text={JSON.stringify(kmsKey.policy, undefined, 2)} label={kmsKeys.policy} />;
}

/** What would be made here and in AWS, or why nothing would. */
export function WhatWillBe({ body, isMaking }: { body: Body; isMaking: boolean }) {
  const { data, error } = usePreview(body, !isMaking);
  if (error !== null) return <ProblemAlert problem={error} />;
  if (data === undefined) return <StatusIndicator type="loading">{parts.loading}</StatusIndicator>;
  const { token, region, kmsKey } = data.body;
  return (
    <SpaceBetween size="m">
      <Container header={<Header variant="h2">{t.willHere}</Header>}>
        <Facts
          columns={2}
          items={[
            [newKey.made, t.willHereWhy(token)],
            [t.region, region || parts.none],
          ]}
        />
      </Container>
      <Container header={<Header variant="h2">{t.willAws}</Header>}>
        {kmsKey === null ? (
          t.willAwsNot
        ) : (
          <SpaceBetween size="m">
            <Facts
              columns={2}
              ids
              items={[
                [newKey.made, newKey.kmsKeyIn(kmsKey.externalKeyStoreName, kmsKey.region)],
                [newKey.account, kmsKey.accountId ?? newKey.notKnown],
                [t.alias, <Copyable key="alias" text={kmsKey.alias || null} what={t.alias} />],
                [t.descriptionLabel, kmsKey.description || parts.none],
                [newKey.tags, <Tags key="tags" of={kmsKey.tags} />],
              ]}
            />
            <Policy of={data.body} />
          </SpaceBetween>
        )}
      </Container>
    </SpaceBetween>
  );
}

function Tags({ of }: { of: Readonly<Record<string, string>> }) {
  const all = Object.entries(of);
  return (
    <>
      {all.map(([name, value]) => (
        <div key={name} className="mono">{`${name}=${value}`}</div>
      ))}
      {newKey.ownTags}
    </>
  );
}
