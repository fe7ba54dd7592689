import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { CommandLine } from '../frame/command.tsx';
import { sentence } from '../frame/problem-alert.tsx';
import { grave } from '../frame/status-strip.tsx';
import { overview as t } from '../texts/overview.ts';

/** What needs somebody, with the command that mends it or shows more. */
export function Findings({ status: { findings } }: { status: Schemas['Status'] }) {
  return (
    <Container
      header={
        <Header variant="h2" counter={findings.length === 0 ? undefined : `(${findings.length})`}>
          {t.needsYou}
        </Header>
      }
    >
      {findings.length === 0 ? (
        <SpaceBetween size="xxs">
          <StatusIndicator type="success">{t.nothing}</StatusIndicator>
          <Box color="text-body-secondary">{t.nothingWhy}</Box>
        </SpaceBetween>
      ) : (
        <SpaceBetween size="l">
          {findings.map((finding) => (
            <SpaceBetween key={`${finding.trouble} ${finding.where} ${finding.message}`} size="xs">
              <StatusIndicator type={grave.has(finding.trouble) ? 'error' : 'warning'}>
                <b>{finding.where}</b> {sentence(finding.message)}
              </StatusIndicator>
              <CommandLine command={finding.remediation} label={t.more} />
            </SpaceBetween>
          ))}
        </SpaceBetween>
      )}
    </Container>
  );
}
