import { useState } from 'react';
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import FormField from '@cloudscape-design/components/form-field';
import Modal from '@cloudscape-design/components/modal';
import SegmentedControl from '@cloudscape-design/components/segmented-control';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { call, type Answered } from '../api/client.ts';
import { fieldProblem } from '../api/problem.ts';
import { useAct, useIdempotencyKeys } from '../api/queries.ts';
import { useFlash } from '../frame/flash.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { useExpiry } from '../parts/expiry.ts';
import { TextField } from '../parts/fields.tsx';
import { OneTimePanel } from '../parts/one-time-panel.tsx';
import { Opened, useSeen, type Fact, type Seen } from '../parts/seen.tsx';
import { stateWord } from '../parts/state.tsx';
import { useVaultId } from '../session/session.tsx';
import { commands } from '../texts/commands.ts';
import { frame } from '../texts/frame.ts';
import { keySets as t } from '../texts/key-sets.ts';
import { parts } from '../texts/parts.ts';

type KeySet = Schemas['KeySet'];
type Credential = Schemas['Credential'];
type Issued = Schemas['IssuedCredential'];

export function IssueDialog({ keySet, onClose }: { keySet: KeySet; onClose: () => void }) {
  const vaultId = useVaultId();
  const [days, setDays] = useState('0');
  const [issued, setIssued] = useState<Issued>();
  const issue = useAct('issueCredential');
  const keyOf = useIdempotencyKeys();
  const endOf = useExpiry();
  if (issued !== undefined) return <CredentialPanel issued={issued} onClose={onClose} />;
  return (
    <ActDialog
      title={t.issueTitle}
      submitLabel={t.issue}
      command={commands.credentialIssue(keySet.name, Number(days))}
      onClose={onClose}
      onSubmit={async () => {
        const sent = { expiresAt: days === '0' ? null : endOf(days) };
        const { body } = await issue.mutateAsync({
          params: { vaultId, keySetId: keySet.id },
          body: sent,
          idempotencyKey: keyOf(sent),
        });
        setIssued(body);
        return 'stay';
      }}
    >
      <Box>{t.issueWhy}</Box>
      <FormField label={t.expiresIn} errorText={fieldProblem(issue.error, '/expiresAt')}>
        <SegmentedControl
          label={t.expiresIn}
          selectedId={days}
          onChange={({ detail }) => setDays(detail.selectedId)}
          options={[0, 1, 90, 365].map((count) => ({ id: String(count), text: t.days(count) }))}
        />
      </FormField>
    </ActDialog>
  );
}

interface OneProps {
  keySet: KeySet;
  credential: Credential;
  onClose: () => void;
}

export function RotateDialog({ keySet, credential: { accessKeyId }, onClose }: OneProps) {
  const vaultId = useVaultId();
  const read = async () => call('getCredential', { params: { vaultId, keySetId: keySet.id, accessKeyId } });
  return (
    <Opened<Credential> title={t.rotateTitle(accessKeyId)} read={read} onClose={onClose}>
      {(seen) => <OpenRotateDialog keySet={keySet} first={seen} read={read} onClose={onClose} />}
    </Opened>
  );
}

export function factsOfCredential(credential: Credential): readonly Fact[] {
  const { state, expiresAt, successor, retireAfterQuietMinutes: minutes } = credential;
  return [
    [parts.state, stateWord(state)],
    [t.expires, expiresAt ?? parts.never],
    [t.successor, successor ?? parts.none],
    [t.quiet, minutes?.toString() ?? parts.never],
  ];
}

interface OpenProps {
  keySet: KeySet;
  first: Seen<Credential>;
  read: () => Promise<Answered<Credential>>;
  onClose: () => void;
}

function OpenRotateDialog({ keySet, first, read, onClose }: OpenProps) {
  const { accessKeyId } = first.body;
  const vaultId = useVaultId();
  const { etag, whenChanged } = useSeen(first, read, factsOfCredential);
  const [minutes, setMinutes] = useState('60');
  const [issued, setIssued] = useState<Issued>();
  const rotate = useAct('rotateCredential');
  const keyOf = useIdempotencyKeys();
  if (issued !== undefined) return <CredentialPanel issued={issued} onClose={onClose} />;
  return (
    <ActDialog
      title={t.rotateTitle(accessKeyId)}
      submitLabel={t.rotate}
      command={commands.credentialRotate(accessKeyId, minutes)}
      onClose={onClose}
      {...whenChanged}
      onSubmit={async () => {
        const params = { vaultId, keySetId: keySet.id, accessKeyId };
        const body = { retireAfterQuietMinutes: Number(minutes) };
        const done = await rotate.mutateAsync({
          params,
          body,
          ifMatch: etag,
          idempotencyKey: keyOf(body),
        });
        setIssued(done.body);
        return 'stay';
      }}
    >
      <Box>{t.rotateWhy}</Box>
      <TextField
        label={t.quiet}
        type="number"
        value={minutes}
        onText={setMinutes}
        error={fieldProblem(rotate.error, '/retireAfterQuietMinutes')}
      />
    </ActDialog>
  );
}

export function WithdrawDialog({ keySet, credential: { accessKeyId }, onClose }: OneProps) {
  const vaultId = useVaultId();
  const flash = useFlash();
  const withdraw = useAct('withdrawCredential');
  return (
    <ActDialog
      title={t.withdrawTitle(accessKeyId)}
      submitLabel={t.withdraw}
      command={commands.credentialWithdraw(accessKeyId)}
      asksWhy
      onClose={onClose}
      onSubmit={async (why) => {
        // Whatever it is by now, it is to open nothing.
        const params = { vaultId, keySetId: keySet.id, accessKeyId };
        const { inForce } = await withdraw.mutateAsync({ params, body: why, ifMatch: '*' });
        flash({ type: 'success', header: t.withdrawn(accessKeyId), inForce });
      }}
    >
      <Box>{t.withdrawWhy}</Box>
    </ActDialog>
  );
}

/** The secret and the file for AWS's console, this once. */
function CredentialPanel({ issued, onClose }: { issued: Issued; onClose: () => void }) {
  const { accessKeyId, rawSecretAccessKey, consoleFile } = issued;
  if (rawSecretAccessKey === undefined)
    return (
      <Modal visible header={t.issuedTitle} closeAriaLabel={frame.close} onDismiss={onClose}>
        <Alert type="warning">{t.replayed}</Alert>
      </Modal>
    );
  return (
    <OneTimePanel
      title={t.issuedTitle}
      values={[
        { label: t.accessKeyId, text: accessKeyId },
        { label: t.secret, text: rawSecretAccessKey },
      ]}
      files={
        consoleFile === undefined
          ? []
          : [{ name: t.file, text: `${JSON.stringify(consoleFile, undefined, 2)}\n` }]
      }
      onClose={onClose}
    >
      <Box>{t.fileWhy}</Box>
    </OneTimePanel>
  );
}
