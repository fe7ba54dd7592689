import Box from '@cloudscape-design/components/box';
import Link from '@cloudscape-design/components/link';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { CommandLine } from '../frame/command.tsx';
import { Copyable } from '../frame/copyable.tsx';
import { Facts } from '../parts/facts.tsx';
import { OneTimePanel } from '../parts/one-time-panel.tsx';
import { stores as t } from '../texts/cloud.ts';
import { frame } from '../texts/frame.ts';

export type ByHand = Partial<Omit<Schemas['ExternalKeyStoreByHand'], 'externalKeyStore'>>;

/** What to enter in AWS, with the credential's file where one was issued. */
export function ByHandPanel({ shown, onClose }: { shown: ByHand; onClose: () => void }) {
  const { consoleFile, request, requestFile } = shown;
  const words = <Words shown={shown} />;
  if (consoleFile === undefined)
    return (
      <Modal visible size="large" header={t.values} closeAriaLabel={frame.close} onDismiss={onClose}>
        {words}
      </Modal>
    );
  return (
    <OneTimePanel
      title={t.values}
      values={[]}
      files={[
        { name: t.consoleFile, text: json(consoleFile) },
        ...(request === undefined || requestFile === undefined
          ? []
          : [{ name: requestFile, text: json(request) }]),
      ]}
      onClose={onClose}
    >
      {words}
    </OneTimePanel>
  );
}

function Words({ shown }: { shown: ByHand }) {
  const { url, command, steps = [], fields = [] } = shown;
  return (
    <SpaceBetween size="m">
      {url !== undefined && (
        <Link external href={url}>
          {t.openConsole}
        </Link>
      )}
      {steps.length > 0 && <HandSteps steps={steps} />}
      {fields.length > 0 && <HandFields fields={fields} />}
      {command !== undefined && <CommandLine command={command} label={t.awsCommand} />}
    </SpaceBetween>
  );
}

/** What a person does in AWS, one after another. */
export function HandSteps({ steps }: { steps: readonly string[] }) {
  return (
    <div>
      <Box variant="awsui-key-label">{t.steps}</Box>
      <ol className="plain-list">
        {steps.map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ol>
    </div>
  );
}

/** What a person enters there, each to be copied. */
export function HandFields({ fields }: { fields: readonly { label: string; value: string }[] }) {
  return (
    <div>
      <Box variant="awsui-key-label" padding={{ bottom: 'xs' }}>
        {t.fields}
      </Box>
      <Facts
        columns={2}
        ids
        items={fields.map(
          ({ label, value }) => [label, <Copyable key={label} text={value} what={label} />] as const,
        )}
      />
    </div>
  );
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
