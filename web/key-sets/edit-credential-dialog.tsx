import { useState } from 'react';
import FormField from '@cloudscape-design/components/form-field';
import SegmentedControl from '@cloudscape-design/components/segmented-control';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { call, type Answered } from '../api/client.ts';
import type { BodyOf } from '../api/operation-types.ts';
import { fieldProblem } from '../api/problem.ts';
import { useAct } from '../api/queries.ts';
import { useFlash } from '../frame/flash.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { useExpiry } from '../parts/expiry.ts';
import { TextField } from '../parts/fields.tsx';
import { Opened, useSeen, type Seen } from '../parts/seen.tsx';
import { WholeTime } from '../parts/time.tsx';
import { useVaultId } from '../session/session.tsx';
import { commands } from '../texts/commands.ts';
import { keySets as t } from '../texts/key-sets.ts';
import { parts } from '../texts/parts.ts';
import { factsOfCredential } from './credential-dialogs.tsx';

type Credential = Schemas['Credential'];

interface Props {
  keySetId: string;
  accessKeyId: string;
  onClose: () => void;
}

/** Changes when a credential expires, and when it retires after its successor. */
export function EditCredentialDialog({ keySetId, accessKeyId, onClose }: Props) {
  const vaultId = useVaultId();
  const read = async () => call('getCredential', { params: { vaultId, keySetId, accessKeyId } });
  return (
    <Opened<Credential> title={t.editCredentialTitle(accessKeyId)} read={read} onClose={onClose}>
      {(first) => <OpenDialog keySetId={keySetId} first={first} read={read} onClose={onClose} />}
    </Opened>
  );
}

/** As it is, never, or in so many days. */
const ends = ['keep', '0', '1', '90', '365'] as const;

interface OpenProps {
  keySetId: string;
  first: Seen<Credential>;
  read: () => Promise<Answered<Credential>>;
  onClose: () => void;
}

function OpenDialog({ keySetId, first, read, onClose }: OpenProps) {
  const vaultId = useVaultId();
  const flash = useFlash();
  const endOf = useExpiry();
  const [end, setEnd] = useState<string>('keep');
  const [minutes, setMinutes] = useState(() => first.body.retireAfterQuietMinutes?.toString() ?? '');
  const { now, etag, whenChanged } = useSeen(first, read, factsOfCredential, (before, theirs) =>
    setMinutes((mine) =>
      mine === (before.retireAfterQuietMinutes?.toString() ?? '')
        ? (theirs.retireAfterQuietMinutes?.toString() ?? '')
        : mine,
    ),
  );
  const there = now ?? first.body;
  const update = useAct('updateCredential');
  const quiet = minutes === '' ? null : Number(minutes);
  const body: BodyOf<'updateCredential'> = {
    ...(end === 'keep' ? {} : { expiresAt: end === '0' ? null : endOf(end) }),
    ...(quiet === there.retireAfterQuietMinutes ? {} : { retireAfterQuietMinutes: quiet }),
  };
  const { accessKeyId } = first.body;
  return (
    <ActDialog
      title={t.editCredentialTitle(accessKeyId)}
      submitLabel={parts.save}
      command={commands.credentialEdit(accessKeyId, end === 'keep' ? undefined : Number(end), body)}
      disabled={Object.keys(body).length === 0}
      told={['/expiresAt', '/retireAfterQuietMinutes']}
      onClose={onClose}
      {...whenChanged}
      onSubmit={async () => {
        const params = { vaultId, keySetId, accessKeyId };
        const { inForce } = await update.mutateAsync({ params, body, ifMatch: etag });
        flash({ type: 'success', header: t.credentialChanged(accessKeyId), inForce });
      }}
    >
      <FormField
        label={t.expires}
        description={
          <>
            {t.expiresNow}: <WholeTime at={there.expiresAt} none={parts.never} />
          </>
        }
        errorText={fieldProblem(update.error, '/expiresAt')}
      >
        <SegmentedControl
          label={t.expires}
          selectedId={end}
          onChange={({ detail }) => setEnd(detail.selectedId)}
          options={ends.map((id) => ({ id, text: id === 'keep' ? t.keepExpiry : t.days(Number(id)) }))}
        />
      </FormField>
      <TextField
        label={t.quiet}
        description={t.quietWhy}
        optional
        type="number"
        value={minutes}
        onText={setMinutes}
        error={fieldProblem(update.error, '/retireAfterQuietMinutes')}
      />
    </ActDialog>
  );
}
