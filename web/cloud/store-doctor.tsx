import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import ExpandableSection from '@cloudscape-design/components/expandable-section';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { useRecord } from '../api/queries.ts';
import { CommandLine } from '../frame/command.tsx';
import { capital, sentence } from '../frame/problem-alert.tsx';
import { WholeTime } from '../parts/time.tsx';
import { useVaultId } from '../session/session.tsx';
import { commands } from '../texts/commands.ts';
import { doctor as t } from '../texts/doctor.ts';

type Finding = Schemas['DoctorFinding'];

const marks = { PROBLEM: 'error', WARNING: 'warning', OK: 'success', SKIPPED: 'stopped' } as const;
/** What needs somebody stands first. */
const order: readonly Finding['level'][] = ['PROBLEM', 'WARNING', 'SKIPPED', 'OK'];

/** What the doctor found last, wherever it was run, and the command that looks again. */
export function Doctor({ store }: { store: Schemas['ExternalKeyStore'] }) {
  const vaultId = useVaultId();
  const { id: externalKeyStoreId, keySetId } = store;
  const { data } = useRecord('getDoctorReport', { vaultId, keySetId, externalKeyStoreId });
  if (data === undefined) return null;
  const { report } = data.body;
  const findings = (report?.findings ?? []).toSorted(
    (one, other) => order.indexOf(one.level) - order.indexOf(other.level),
  );
  const wrong = findings.filter(({ level }) => level === 'PROBLEM' || level === 'WARNING');
  const rest = findings.filter((finding) => !wrong.includes(finding));
  return (
    <Container
      header={
        <Header
          variant="h2"
          description={t.why}
          counter={wrong.length === 0 ? undefined : `(${wrong.length})`}
        >
          {t.title}
        </Header>
      }
    >
      <SpaceBetween size="l">
        {report === null ? (
          <Box color="text-body-secondary">{t.never}</Box>
        ) : (
          <Box color="text-body-secondary">
            {t.looked(report.by, report.hostname, report.endpoint)} <WholeTime at={report.at} />
          </Box>
        )}
        {report !== null && report.endpoint !== store.uriEndpoint && (
          <StatusIndicator type="warning">{t.elsewhere(store.uriEndpoint)}</StatusIndicator>
        )}
        {report !== null && wrong.length === 0 && <Verdict findings={findings} />}
        {wrong.map((finding) => (
          <Found key={`${finding.id} ${finding.subject ?? ''}`} finding={finding} />
        ))}
        {rest.length > 0 && (
          <ExpandableSection headerText={t.rest(rest.length)}>
            <SpaceBetween size="s">
              {rest.map((finding) => (
                <Found key={`${finding.id} ${finding.subject ?? ''}`} finding={finding} />
              ))}
            </SpaceBetween>
          </ExpandableSection>
        )}
        <CommandLine command={commands.doctor(store)} label={report === null ? t.run : t.again} />
      </SpaceBetween>
    </Container>
  );
}

/** A check that was skipped says nothing about AWS's way: only where none was, nothing stands in it. */
function Verdict({ findings }: { findings: readonly Finding[] }) {
  const skipped = findings.filter(({ level }) => level === 'SKIPPED').length;
  if (findings.length === 0) return <StatusIndicator type="stopped">{t.nothingSeen}</StatusIndicator>;
  return skipped === 0 ? (
    <StatusIndicator type="success">{t.nothing}</StatusIndicator>
  ) : (
    <StatusIndicator type="info">{t.skipped(skipped)}</StatusIndicator>
  );
}

function Found({ finding: { level, title, subject, seen, why, remediation } }: { finding: Finding }) {
  return (
    <div>
      <StatusIndicator type={marks[level]}>
        <b>{capital(title)}</b>
        {subject !== null && <> ({subject})</>}: {sentence(seen)}
      </StatusIndicator>
      {level !== 'OK' && <Box color="text-body-secondary">{sentence(why)}</Box>}
      {remediation !== null && <Box>{sentence(remediation)}</Box>}
    </div>
  );
}
