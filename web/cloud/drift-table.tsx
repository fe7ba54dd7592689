import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import ColumnLayout from '@cloudscape-design/components/column-layout';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { sentence } from '../frame/problem-alert.tsx';
import { kmsKeys as t } from '../texts/cloud.ts';
import { parts } from '../texts/parts.ts';
import { Json } from './account-policy.tsx';
import type { KmsKeyAct } from './kms-key-dialog.tsx';

type KmsKey = Schemas['KmsKey'];

interface Props {
  kmsKey: KmsKey;
  onAct: (act: KmsKeyAct) => void;
  mayAct: boolean;
}

/** Ours and AWS's, side by side, each with its two ways out. */
export function DriftTable({ kmsKey: { drift }, onAct, mayAct }: Props) {
  return (
    <SpaceBetween size="l">
      {drift.map(({ what, ours, aws, note }) => (
        <SpaceBetween key={what} size="xs">
          <div className="line">
            <Box variant="h3">{t.what[what]}</Box>
            {mayAct && (
              <SpaceBetween direction="horizontal" size="xs">
                <Button ariaLabel={t.applyTitle(t.what[what])} onClick={() => onAct({ kind: 'apply', what })}>
                  {t.apply}
                </Button>
                <Button
                  ariaLabel={t.acceptTitle(t.what[what])}
                  onClick={() => onAct({ kind: 'accept', what })}
                >
                  {t.accept}
                </Button>
              </SpaceBetween>
            )}
          </div>
          {note !== undefined && <Box color="text-body-secondary">{sentence(note)}</Box>}
          <ColumnLayout columns={2} variant="text-grid">
            <Side title={t.ours} value={ours} label={`${t.ours}: ${t.what[what]}`} />
            <Side title={t.theirs} value={aws} label={`${t.theirs}: ${t.what[what]}`} />
          </ColumnLayout>
        </SpaceBetween>
      ))}
    </SpaceBetween>
  );
}

function Side({ title, value, label }: { title: string; value: unknown; label: string }) {
  return (
    <div>
      <Box variant="awsui-key-label">{title}</Box>
      {typeof value === 'object' && value !== null ? (
        <Json text={JSON.stringify(value, undefined, 2)} label={label} />
      ) : (
        <span className="mono">{value === null || value === '' ? parts.none : textOf(value)}</span>
      )}
    </div>
  );
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
