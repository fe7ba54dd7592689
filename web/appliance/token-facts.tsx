import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { sentence } from '../frame/problem-alert.tsx';
import { Facts } from '../parts/facts.tsx';
import { Time, WholeTime } from '../parts/time.tsx';
import { node as n } from '../texts/node.ts';
import { numberText } from '../texts/locale.ts';
import { parts } from '../texts/parts.ts';
import { token as t } from '../texts/token.ts';

type Token = Schemas['Token'];
type Member = Token['members'][number];

/** Each token host of the node that is of an HSM, with its self-test and its last liveness check. */
export function Hosts({ hosts }: Pick<Member, 'hosts'>) {
  if (hosts === null) return t.hostsNotTold;
  if (hosts.length === 0) return n.noHosts;
  return hosts.map(({ worker, pid, state, provenAt, check }, at) => (
    <div key={pid ?? `starting ${at}`}>
      <StatusIndicator type={hostSigns[state]}>
        {t.host(t.ofWorker(worker), n.hostStates[state], pid)}
      </StatusIndicator>
      {provenAt !== null && (
        <Box color="text-body-secondary" fontSize="body-s">
          {t.selfTest} <Time at={provenAt} />;{' '}
          {check === null ? (
            t.noCheck
          ) : (
            <>
              {t.check(check.milliseconds, check.ok)} <Time at={check.at} />
            </>
          )}
        </Box>
      )}
    </div>
  ));
}

const hostSigns = {
  starting: 'in-progress',
  ready: 'success',
  busy: 'success',
  sick: 'warning',
  dead: 'error',
} as const;

/** Who makes IVs, and since when that is proven. */
export function Ivs({ iv }: Pick<Token, 'iv'>) {
  return (
    <Container header={<Header variant="h2">{t.ivs}</Header>}>
      <SpaceBetween size="m">
        <Facts
          columns={4}
          items={[
            [t.ivMode, t.ivModes[iv.mode]],
            [t.ivBytes, t.bytes(iv.bytes)],
            [t.ivRandom, iv.random ? parts.yes : t.ivNotRandom],
            [t.ivProof, <WholeTime key="proof" at={iv.provenAt} none={n.notReported} />],
          ]}
        />
        <Box color="text-body-secondary">{t.ivProofWhy}</Box>
        {iv.mayRepeat && <StatusIndicator type="error">{t.ivMayRepeat}</StatusIndicator>}
      </SpaceBetween>
    </Container>
  );
}

/** What waits for it, and how it has answered lately. */
export function Load({ queue, lastMinutes }: Pick<Token, 'queue' | 'lastMinutes'>) {
  const took = (ms: number | null) => (ms === null ? parts.none : t.milliseconds(ms));
  return (
    <Container
      header={
        <Header variant="h2" description={t.loadWhy}>
          {t.load}
        </Header>
      }
    >
      <Facts
        columns={4}
        items={[
          [t.waiting, queue === null ? t.notTold : t.waitingOf(queue.waiting, queue.underWay)],
          ...(queue === null ? [] : [[t.wait, waitOf(queue)] as const]),
          ...(lastMinutes === null
            ? []
            : ([
                [t.operations(lastMinutes.minutes), numberText(lastMinutes.operations)],
                [t.median, took(lastMinutes.p50Milliseconds)],
                [t.p99, took(lastMinutes.p99Milliseconds)],
                [t.waitP99, took(lastMinutes.waitP99Milliseconds)],
                [t.faults, t.faultsOf(lastMinutes.faults) || t.noFaults],
              ] as const)),
        ]}
      />
    </Container>
  );
}

function waitOf({ estimatedWaitMilliseconds: wait }: NonNullable<Token['queue']>) {
  return wait === null ? <StatusIndicator type="warning">{t.noHost}</StatusIndicator> : t.milliseconds(wait);
}

/** Of an HSM group: what is lost with one of them. */
export function NotEverywhere({ notEverywhere: found }: Pick<Token, 'notEverywhere'>) {
  return (
    <Container header={<Header variant="h2">{t.everywhere}</Header>}>
      {found === null ? (
        t.everywhereNot
      ) : (
        <SpaceBetween size="m">
          {found.keyVersions.length === 0 ? (
            found.problem === null && <StatusIndicator type="success">{t.everywhereAll}</StatusIndicator>
          ) : (
            <div>
              {found.keyVersions.map(({ member, kind, objectId, name, externalKeyId, version }) => (
                <div key={`${member} ${objectId}`}>
                  <StatusIndicator type="error">{t.lacks[kind](member)}</StatusIndicator>{' '}
                  {t.keyVersion(name ?? externalKeyId ?? t.noKeyName, version)}
                </div>
              ))}
              {found.more > 0 && <div>{t.more(found.more, found.reconciliationId)}</div>}
            </div>
          )}
          {found.problem !== null && (
            <StatusIndicator type="warning">{sentence(t.everywhereProblem(found.problem))}</StatusIndicator>
          )}
          <Facts items={[[t.everywhereAt, <WholeTime key="at" at={found.comparedAt} />]]} />
        </SpaceBetween>
      )}
    </Container>
  );
}
