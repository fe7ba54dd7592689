import { useState } from 'react';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import Multiselect from '@cloudscape-design/components/multiselect';
import SegmentedControl from '@cloudscape-design/components/segmented-control';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { fieldProblem } from '../api/problem.ts';
import { useAct, useIdempotencyKeys } from '../api/queries.ts';
import { useFlash } from '../frame/flash.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { useExpiry } from '../parts/expiry.ts';
import { OneTimePanel } from '../parts/one-time-panel.tsx';
import { useSession } from '../session/session.tsx';
import { account as t } from '../texts/account.ts';
import { commands } from '../texts/commands.ts';
import { parts } from '../texts/parts.ts';

type Permission = Schemas['ApiKey']['scope'][number];

/** An API key with a part of one's own rights and an end; its secret is shown once. */
export function CreateApiKeyDialog({ onClose }: { onClose: () => void }) {
  const { permissions } = useSession().user;
  const flash = useFlash();
  const [name, setName] = useState('');
  const [scope, setScope] = useState<Permission[]>([]);
  const [days, setDays] = useState('90');
  const [secret, setSecret] = useState<string>();
  const create = useAct('createApiKey');
  const keyOf = useIdempotencyKeys();
  const endOf = useExpiry();
  if (secret !== undefined)
    return (
      <OneTimePanel
        title={t.keyCreated(name)}
        values={[{ label: t.keySecret, text: secret }]}
        onClose={onClose}
      />
    );
  return (
    <ActDialog
      title={t.createKey}
      submitLabel={t.createKey}
      command={commands.apiKeyCreate(name, scope, days)}
      onClose={onClose}
      disabled={name === '' || scope.length === 0}
      told={['/name', '/scope', '/expiresAt']}
      onSubmit={async () => {
        const sent = { name, scope, expiresAt: endOf(days) };
        const { body } = await create.mutateAsync({ body: sent, idempotencyKey: keyOf(sent) });
        if (body.secret === undefined) {
          flash({ type: 'warning', header: t.keyLost(body.name), content: t.keyLostWhy });
          return;
        }
        setSecret(body.secret);
        return 'stay';
      }}
    >
      <FormField label={t.keyName} description={t.keyNameWhy} errorText={fieldProblem(create.error, '/name')}>
        <Input value={name} onChange={({ detail }) => setName(detail.value)} autoFocus />
      </FormField>
      <FormField label={t.scope} errorText={fieldProblem(create.error, '/scope')}>
        <Multiselect
          expandToViewport
          selectedOptions={scope.map((value) => ({ value, label: value }))}
          options={permissions.map((value) => ({ value, label: value }))}
          placeholder={t.scopeNone}
          deselectAriaLabel={({ label }) => parts.leaveOut(label ?? '')}
          onChange={({ detail }) => setScope(detail.selectedOptions.map(({ value }) => value as Permission))}
        />
      </FormField>
      <FormField label={t.expiresIn} errorText={fieldProblem(create.error, '/expiresAt')}>
        <SegmentedControl
          label={t.expiresIn}
          selectedId={days}
          onChange={({ detail }) => setDays(detail.selectedId)}
          options={[7, 30, 90, 365].map((count) => ({ id: String(count), text: t.days(count) }))}
        />
      </FormField>
    </ActDialog>
  );
}
