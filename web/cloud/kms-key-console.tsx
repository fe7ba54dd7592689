import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { pace } from '../api/looks.ts';
import { useRecord } from '../api/queries.ts';
import { CommandLine } from '../frame/command.tsx';
import { download } from '../parts/one-time-panel.tsx';
import { RecordState } from '../parts/record-state.tsx';
import { useVaultId } from '../session/session.tsx';
import { byHand } from '../texts/by-hand.ts';
import { kmsKeys as t } from '../texts/cloud.ts';
import { commands } from '../texts/commands.ts';
import { parts } from '../texts/parts.ts';
import { Json } from './account-policy.tsx';
import { HandFields, HandSteps } from './by-hand-panel.tsx';

type KmsKey = Schemas['KmsKey'];

/** What a person enters in AWS who creates or maintains the KMS key manually. */
export function KmsKeyConsole({ kmsKey }: { kmsKey: KmsKey }) {
  const vaultId = useVaultId();
  const { id, cloudKeyId } = kmsKey;
  const read = useRecord(
    'getKmsKeyConsole',
    { vaultId, cloudKeyId, kmsKeyId: id },
    // What it says follows from records here, and any change of theirs has it asked for again.
    { every: pace.rare },
  );
  return (
    <Container
      header={
        <Header variant="h2" description={byHand.valuesWhy}>
          {byHand.values}
        </Header>
      }
    >
      <SpaceBetween size="l">
        <RecordState read={read}>{(told) => <Told told={told} />}</RecordState>
        <CommandLine command={commands.kmsKeyConsole(kmsKey)} />
      </SpaceBetween>
    </Container>
  );
}

function Told({ told }: { told: Schemas['KmsKeyConsole'] }) {
  const { policy, tags } = told;
  const text = `${JSON.stringify(policy, undefined, 2)}\n`;
  return (
    <SpaceBetween size="l">
      <HandSteps steps={told.steps} />
      <HandFields
        fields={[
          { label: t.region, value: told.region },
          { label: byHand.account, value: told.accountId },
          { label: t.store, value: told.keyStoreName },
          { label: byHand.storeId, value: told.customKeyStoreId },
          { label: byHand.externalKeyId, value: told.externalKeyId },
          // AWS's console puts `alias/` before what is entered.
          { label: t.alias, value: told.alias.replace(/^alias\//, '') },
          { label: parts.description, value: told.description },
          ...Object.entries(tags).map(([name, value]) => ({ label: byHand.tag(name), value })),
        ]}
      />
      {policy !== null && (
        <SpaceBetween size="xs">
          <Box variant="awsui-key-label">{t.policy}</Box>
          <Json text={text} label={t.policy} />
          <Button iconName="download" onClick={() => download(policyFile, text)}>
            {byHand.downloadPolicy(policyFile)}
          </Button>
        </SpaceBetween>
      )}
      {/* Each by itself: one of them schedules the deletion of the key, and is not pasted together with the rest. */}
      {told.commands.map((command) => (
        <CommandLine key={command} command={command} label={command.split(' ', 3).join(' ')} />
      ))}
    </SpaceBetween>
  );
}

/** As the commands for AWS's command line name it. */
const policyFile = 'policy.json';
