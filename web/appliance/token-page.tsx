import { useState } from 'react';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { useParams } from 'react-router';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { useRecord } from '../api/queries.ts';
import { Copyable } from '../frame/copyable.tsx';
import { Page } from '../frame/page.tsx';
import { sentence } from '../frame/problem-alert.tsx';
import { Facts } from '../parts/facts.tsx';
import { RecordState } from '../parts/record-state.tsx';
import { State } from '../parts/state.tsx';
import { Vitals } from '../overview/vitals.tsx';
import { WholeTime } from '../parts/time.tsx';
import { homeOf, useMay, useSession } from '../session/session.tsx';
import { appliance as t } from '../texts/appliance.ts';
import { erased } from '../texts/erased.ts';
import { vitals } from '../texts/vitals.ts';
import { parts } from '../texts/parts.ts';
import { token as k } from '../texts/token.ts';
import { ErasedDialog } from './erased-dialog.tsx';
import { hostsReady } from './token-hosts.ts';
import { Hosts, Ivs, Load, NotEverywhere } from './token-facts.tsx';
import { VerifyDialog } from './verify-dialog.tsx';

type Token = Schemas['Token'];

/** A token as the node that answers has it: each of its HSMs, and what is not asked any more. */
export function TokenPage() {
  const { token = '' } = useParams();
  const read = useRecord('getToken', { token });
  return <RecordState read={read}>{(body) => <Known token={body} />}</RecordState>;
}

function Known({ token }: { token: Token }) {
  const home = homeOf(useSession().user);
  const may = useMay();
  const [verifying, setVerifying] = useState(false);
  const { name, vendor, model, profile, health, members, replaced, vaults } = token;
  const { queue, lastMinutes, notEverywhere, iv } = token;
  return (
    <Page
      title={name}
      above={[{ text: t.tokensTitle, href: `${home}/tokens` }]}
      info={<State of={health} />}
      actions={
        may('verifyToken') && (
          <Button variant="primary" onClick={() => setVerifying(true)}>
            {t.verify}
          </Button>
        )
      }
    >
      <SpaceBetween size="l">
        <Container>
          <Facts
            items={[
              [t.model, `${vendor} ${model}`],
              [t.profile, profile],
              [t.hosts, hostsReady(token)],
              [t.usedBy, vaults],
            ]}
          />
        </Container>
        <Load queue={queue} lastMinutes={lastMinutes} />
        {members.map((member) => (
          <Member key={member.name} member={member} />
        ))}
        {members.length > 1 && <NotEverywhere notEverywhere={notEverywhere} />}
        <Ivs iv={iv} />
        <Vitals token={name} title={vitals.ofToken} />
        {replaced.map((left) => (
          <NotAsked key={left.id} token={name} left={left} />
        ))}
      </SpaceBetween>
      {verifying && <VerifyDialog token={name} onClose={() => setVerifying(false)} />}
    </Page>
  );
}

function Member({ member }: { member: Token['members'][number] }) {
  const { name, health, serial, onRecord, since, hosts, pinRefused, failure } = member;
  const isDown = health === 'UNAVAILABLE';
  return (
    <Container
      header={
        <Header variant="h2" actions={<State of={health} />}>
          {t.member(name)}
        </Header>
      }
    >
      <SpaceBetween size="m">
        <Facts
          items={[
            [
              t.serial,
              serial === null ? (
                t.memberNotSeen
              ) : (
                <Copyable key="serial" text={serial} what={`${t.serial}: ${name}`} />
              ),
            ],
            [isDown ? t.downSince : t.upSince, <WholeTime key="since" at={since} />],
            [t.proof, <Proof key="proof" onRecord={onRecord} />],
            [t.label, member.label ?? parts.none],
            [t.model, hardwareOf(member)],
            [t.firmware, member.firmware ?? parts.none],
            [k.slot, member.slot ?? parts.none],
          ]}
        />
        <Facts columns={1} items={[[k.hosts, <Hosts key="hosts" hosts={hosts} />]]} />
        {pinRefused && <StatusIndicator type="error">{t.memberPinRefused}</StatusIndicator>}
        {failure !== null && (
          <div>
            <StatusIndicator type={isDown ? 'error' : 'warning'}>{sentence(failure.problem)}</StatusIndicator>
            <Box color="text-body-secondary">{sentence(failure.remediation)}</Box>
          </div>
        )}
      </SpaceBetween>
    </Container>
  );
}

function hardwareOf({ manufacturer, model }: Token['members'][number]): string {
  return manufacturer === null || model === null ? parts.none : `${manufacturer} ${model}`;
}

function Proof({ onRecord }: { onRecord: boolean }) {
  return onRecord ? (
    <StatusIndicator type="success">{t.proofOnRecord}</StatusIndicator>
  ) : (
    <StatusIndicator type="info">{t.proofNotOnRecord}</StatusIndicator>
  );
}

/** Only people know what became of it. */
function NotAsked({ token, left }: { token: string; left: Token['replaced'][number] }) {
  const { id, kind, serials, replacedAt, erasedAt, keyVersions } = left;
  const may = useMay();
  const [isRecording, setRecording] = useState(false);
  return (
    <Container
      header={
        <Header
          variant="h2"
          actions={
            erasedAt === null &&
            may('recordErasedToken') && (
              <Button
                ariaLabel={`${erased.record}: ${serials.join(', ')}`}
                onClick={() => setRecording(true)}
              >
                {erased.record}
              </Button>
            )
          }
        >
          {t.notAsked[kind]}
        </Header>
      }
    >
      <SpaceBetween size="m">
        <Facts
          items={[
            [
              t.serial,
              serials.map((serial) => (
                <div key={serial}>
                  <Copyable text={serial} what={t.serial} />
                </div>
              )),
            ],
            [t.notAskedSince[kind], <WholeTime key="since" at={replacedAt} />],
            [t.keyVersionsLeft, keyVersions],
            [t.erasedSince, <WholeTime key="erased" at={erasedAt} none={t.notErased} />],
          ]}
        />
      </SpaceBetween>
      {isRecording && (
        <ErasedDialog token={token} id={id} serials={serials} onClose={() => setRecording(false)} />
      )}
    </Container>
  );
}
