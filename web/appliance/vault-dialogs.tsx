import { useState } from 'react';
import Box from '@cloudscape-design/components/box';
import Checkbox from '@cloudscape-design/components/checkbox';
import FormField from '@cloudscape-design/components/form-field';
import Multiselect from '@cloudscape-design/components/multiselect';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import type { Answered } from '../api/client.ts';
import type { AnswerOf } from '../api/operation-types.ts';
import { fieldProblem } from '../api/problem.ts';
import { useAct, useIdempotencyKeys, useWholeList } from '../api/queries.ts';
import { Copyable } from '../frame/copyable.tsx';
import { useFlash } from '../frame/flash.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { NamedFields, TextField } from '../parts/fields.tsx';
import { useSeen } from '../parts/seen.tsx';
import { FirstPasswordPanel } from '../people/first-password-panel.tsx';
import { factsOfVault } from '../people/settings-page.tsx';
import { isPasswordLost } from '../people/user-calls.ts';
import { appliance as t } from '../texts/appliance.ts';
import { commands } from '../texts/commands.ts';
import { parts } from '../texts/parts.ts';
import { people } from '../texts/people.ts';

type Vault = Schemas['Vault'];

/** Makes a vault with its first administrator, whose first password is shown this once unless it went by mail. */
export function CreateVaultDialog({ onClose }: { onClose: () => void }) {
  const flash = useFlash();
  const keyOf = useIdempotencyKeys();
  const tokens = useWholeList('listTokens', undefined);
  const names = (tokens.data ?? []).map(({ name }) => name);
  const [form, setForm] = useState({ name: '', description: '', administrator: '', username: '', email: '' });
  const [chosen, setChosen] = useState<readonly string[]>();
  const [made, setMade] = useState<AnswerOf<'createVault'>>();
  const create = useAct('createVault');
  const set = (change: Partial<typeof form>) => setForm((now) => ({ ...now, ...change }));
  const wanted = chosen ?? names;
  if (made?.firstPassword !== undefined)
    return (
      <FirstPasswordPanel
        name={form.username}
        password={made.firstPassword}
        mailProblem={made.mailProblem}
        onClose={onClose}
      >
        <FormField label={t.address} stretch>
          <Copyable text={made.signInUrl} what={t.address} />
        </FormField>
      </FirstPasswordPanel>
    );
  const problem = create.error;
  return (
    <ActDialog
      size="large"
      title={t.createVault}
      submitLabel={t.createSubmit}
      command={commands.vaultCreate(form, wanted)}
      onClose={onClose}
      disabled={form.name === '' || form.username === '' || form.email === '' || form.administrator === ''}
      told={['/name', '/description', '/administrator', '/tokens']}
      onSubmit={async () => {
        const body = {
          name: form.name,
          description: form.description,
          administrator: { name: form.administrator, username: form.username, email: form.email },
          tokens: [...wanted],
        };
        const { body: vault } = await create.mutateAsync({ body, idempotencyKey: keyOf(body) });
        if (isPasswordLost(vault)) {
          flash({ type: 'warning', header: t.passwordLost(vault.name), content: t.passwordLostWhy });
          return;
        }
        flash({ type: 'success', header: t.created(vault.name) });
        if (vault.firstPassword === undefined) return;
        setMade(vault);
        return 'stay';
      }}
    >
      <NamedFields form={form} set={set} problem={problem} nameLabel={t.name} />
      <TextField
        label={t.administratorName}
        value={form.administrator}
        onText={(administrator) => set({ administrator })}
        error={fieldProblem(problem, '/administrator/name')}
      />
      <TextField
        label={t.administratorUsername}
        value={form.username}
        onText={(username) => set({ username })}
        error={fieldProblem(problem, '/administrator/username')}
        mono
      />
      <TextField
        label={t.administratorEmail}
        type="email"
        value={form.email}
        onText={(email) => set({ email })}
        error={fieldProblem(problem, '/administrator/email')}
      />
      <FormField label={t.tokens} description={t.tokensWhy} errorText={fieldProblem(problem, '/tokens')}>
        <Multiselect
          expandToViewport
          selectedOptions={wanted.map((value) => ({ value, label: value }))}
          options={names.map((value) => ({ value, label: value }))}
          statusType={tokens.isPending ? 'loading' : 'finished'}
          placeholder={parts.choose}
          deselectAriaLabel={({ label }) => parts.leaveOut(label ?? '')}
          onChange={({ detail }) => setChosen(detail.selectedOptions.map(({ value }) => value ?? ''))}
        />
      </FormField>
    </ActDialog>
  );
}

/** For a vault that nobody can open any more. */
export function ResetAdministratorDialog({ vault, onClose }: { vault: Vault; onClose: () => void }) {
  const flash = useFlash();
  const [username, setUsername] = useState('');
  const [removeSecondFactor, setRemove] = useState(false);
  const [made, setMade] = useState<Schemas['ResetVaultAdministrator']>();
  const reset = useAct('resetVaultAdministrator');
  if (made?.firstPassword !== undefined)
    return (
      <FirstPasswordPanel
        name={made.username}
        password={made.firstPassword}
        mailProblem={made.mailProblem}
        onClose={onClose}
      />
    );
  return (
    <ActDialog
      title={t.resetTitle(vault.name)}
      submitLabel={t.reset}
      command={commands.vaultReset(vault.name, username, removeSecondFactor)}
      onClose={onClose}
      onSubmit={async () => {
        const body = {
          ...(username === '' ? {} : { username }),
          ...(removeSecondFactor ? { removeSecondFactor } : {}),
        };
        const { body: done } = await reset.mutateAsync({ params: { vaultId: vault.id }, body });
        flash({
          type: 'success',
          header: done.mailed ? people.mailed(done.username) : people.done(done.username),
        });
        if (done.firstPassword === undefined) return;
        setMade(done);
        return 'stay';
      }}
    >
      <Box>{t.resetWhy}</Box>
      <TextField
        label={t.resetUsername}
        description={t.resetUsernameWhy}
        optional
        value={username}
        onText={setUsername}
        error={fieldProblem(reset.error, '/username')}
        mono
      />
      <Checkbox checked={removeSecondFactor} onChange={({ detail }) => setRemove(detail.checked)}>
        {t.resetFactor}
      </Checkbox>
    </ActDialog>
  );
}

interface RemoveProps {
  vault: Vault;
  etag: string;
  refetch: () => Promise<Answered<Vault>>;
  onClose: () => void;
}

export function RemoveVaultDialog({ vault, etag, refetch, onClose }: RemoveProps) {
  const flash = useFlash();
  const seen = useSeen({ body: vault, etag }, refetch, factsOfVault);
  const remove = useAct('deleteVault');
  return (
    <ActDialog
      title={t.removeTitle(vault.name)}
      submitLabel={t.remove}
      command={commands.vaultDelete(vault.name)}
      onClose={onClose}
      typed={vault.name}
      asksWhy
      {...seen.whenChanged}
      onSubmit={async (why) => {
        const { inForce } = await remove.mutateAsync({
          params: { vaultId: vault.id },
          query: { confirm: vault.name },
          body: why,
          ifMatch: seen.etag,
        });
        flash({ type: 'success', header: t.removed(vault.name), inForce });
      }}
    >
      <Box>{t.removeWhy}</Box>
    </ActDialog>
  );
}
