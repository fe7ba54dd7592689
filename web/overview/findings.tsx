import { useState } from 'react';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { AffectedLinks } from '../frame/affected-links.tsx';
import { CommandLine } from '../frame/command.tsx';
import { sentence } from '../frame/problem-alert.tsx';
import { grave, needsAttention, type Finding } from '../frame/status-strip.tsx';
import { Time } from '../parts/time.tsx';
import { useMay, useSession } from '../session/session.tsx';
import { frame } from '../texts/frame.ts';
import { overview as t } from '../texts/overview.ts';
import { AcknowledgeDialog, WithdrawDialog } from './acknowledge-dialog.tsx';

interface Judging {
  act: 'acknowledge' | 'withdraw';
  finding: Finding;
}

/** What needs somebody, with the command that mends it or shows more, and what somebody has judged already. */
export function Findings({ status: { findings } }: { status: Schemas['Status'] }) {
  const [judging, setJudging] = useState<Judging>();
  const may = useMay();
  const mayJudge = may(useSession().user.vaultId === null ? 'acknowledgeFinding' : 'acknowledgeVaultFinding');
  const open = findings.filter(needsAttention);
  const known = findings.filter((finding) => !needsAttention(finding));
  const close = () => setJudging(undefined);
  const onJudge = mayJudge ? setJudging : undefined;
  return (
    <SpaceBetween size="l">
      <Container
        header={
          <Header variant="h2" counter={open.length === 0 ? undefined : `(${open.length})`}>
            {t.needsYou}
          </Header>
        }
      >
        {open.length === 0 ? (
          <SpaceBetween size="xxs">
            <StatusIndicator type="success">{t.nothing}</StatusIndicator>
            {known.length === 0 && <Box color="text-body-secondary">{t.nothingWhy}</Box>}
          </SpaceBetween>
        ) : (
          <SpaceBetween size="l">
            {open.map((finding) => (
              <Open key={keyOf(finding)} finding={finding} onJudge={onJudge} />
            ))}
          </SpaceBetween>
        )}
      </Container>
      {known.length > 0 && (
        <Container
          header={
            <Header variant="h2" counter={`(${known.length})`} description={t.acknowledgedWhy}>
              {t.acknowledged}
            </Header>
          }
        >
          <SpaceBetween size="l">
            {known.map((finding) => (
              <Known key={keyOf(finding)} finding={finding} onJudge={onJudge} />
            ))}
          </SpaceBetween>
        </Container>
      )}
      {judging?.act === 'acknowledge' && <AcknowledgeDialog finding={judging.finding} onClose={close} />}
      {judging?.act === 'withdraw' && <WithdrawDialog finding={judging.finding} onClose={close} />}
    </SpaceBetween>
  );
}

const keyOf = ({ trouble, where, message }: Finding) => `${trouble} ${where} ${message}`;

interface Props {
  finding: Finding;
  /** Undefined where it is not theirs to do. */
  onJudge: ((judging: Judging) => void) | undefined;
}

function Open({ finding, onJudge }: Props) {
  const { trouble, where, message, remediation, fingerprint } = finding;
  // A node of an older version has none.
  const isJudgeable = onJudge !== undefined && typeof fingerprint === 'string';
  return (
    <SpaceBetween size="xs">
      <StatusIndicator type={grave.has(trouble) ? 'error' : 'warning'}>
        <b>{where}</b> {sentence(message)}
      </StatusIndicator>
      <AffectedLinks finding={finding} />
      <CommandLine command={remediation} label={frame.mends} />
      {isJudgeable && (
        <Button
          ariaLabel={t.acknowledgeOf(trouble, where)}
          onClick={() => onJudge({ act: 'acknowledge', finding })}
        >
          {t.acknowledge}
        </Button>
      )}
    </SpaceBetween>
  );
}

function Known({ finding, onJudge }: Props) {
  const { trouble, where, message, acknowledgements } = finding;
  return (
    <SpaceBetween size="xs">
      <StatusIndicator type="info">
        <b>{where}</b> {sentence(message)}
      </StatusIndicator>
      <AffectedLinks finding={finding} />
      {acknowledgements.map(({ by, at, until, note }) => (
        <div key={`${at} ${by}`}>
          <Box color="text-body-secondary">
            {t.acknowledgedBy(by)}, <Time at={at} />,{' '}
            {until === null ? (
              t.untilWorse
            ) : (
              <>
                {t.until} <Time at={until} />
              </>
            )}
          </Box>
          <div className="mono">{note}</div>
        </div>
      ))}
      {onJudge !== undefined && (
        <Button
          ariaLabel={t.withdrawOf(trouble, where)}
          onClick={() => onJudge({ act: 'withdraw', finding })}
        >
          {t.withdraw}
        </Button>
      )}
    </SpaceBetween>
  );
}
