import { useState } from 'react';
import Box from '@cloudscape-design/components/box';
import { fieldProblem } from '../api/problem.ts';
import { useIdempotencyKeys } from '../api/queries.ts';
import { useFlash } from '../frame/flash.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { SelectField, TextField } from '../parts/fields.tsx';
import { commands } from '../texts/commands.ts';
import { parts } from '../texts/parts.ts';
import { people as t } from '../texts/people.ts';
import { FirstPasswordPanel } from './first-password-panel.tsx';
import {
  useRoles,
  useUserCalls,
  type NewUser,
  type Role,
  type User,
  type WithPassword,
} from './user-calls.ts';

export type UserAct =
  'create' | 'edit' | 'disable' | 'enable' | 'unlock' | 'reset' | 'removeFactor' | 'remove';

interface Props {
  act: UserAct;
  user?: User | undefined;
  onClose: () => void;
}

export function UserDialog({ act, user, onClose }: Props) {
  if (user === undefined || act === 'create') return <UserForm onClose={onClose} />;
  if (act === 'edit') return <UserForm user={user} onClose={onClose} />;
  return <PlainDialog act={act} user={user} onClose={onClose} />;
}

function UserForm({ user, onClose }: { user?: User; onClose: () => void }) {
  const roles = useRoles();
  const calls = useUserCalls();
  const flash = useFlash();
  const keyOf = useIdempotencyKeys();
  const [form, setForm] = useState<NewUser>(() => ({
    username: user?.username ?? '',
    displayName: user?.displayName ?? '',
    email: user?.email ?? '',
    role: user?.role ?? roles[0] ?? 'auditor',
    signIn: user?.signIn ?? 'password',
  }));
  const [made, setMade] = useState<WithPassword>();
  const [problem, setProblem] = useState<unknown>();
  const set = (change: Partial<NewUser>) => setForm((now) => ({ ...now, ...change }));
  if (made?.firstPassword !== undefined)
    return (
      <FirstPasswordPanel
        name={made.username}
        password={made.firstPassword}
        mailProblem={made.mailProblem}
        onClose={onClose}
      />
    );
  const submit = async (): Promise<'stay' | void> => {
    try {
      if (user !== undefined) {
        const { username: _, ...change } = form;
        const { etag } = await calls.get(user.id);
        await calls.update(user.id, change, etag ?? '*');
        flash({ type: 'success', header: t.done(user.username) });
        return;
      }
      const { body } = await calls.create(form, keyOf(form));
      flash({ type: 'success', header: body.mailed ? t.mailed(body.username) : t.created(body.username) });
      if (body.firstPassword === undefined) return;
      setMade(body);
      return 'stay';
    } catch (error) {
      setProblem(error);
      throw error;
    }
  };
  return (
    <ActDialog
      title={user === undefined ? t.create : t.titles.edit(user.username)}
      submitLabel={user === undefined ? t.createSubmit : parts.save}
      command={user === undefined ? commands.userCreate(form) : commands.userEdit(user.username, form)}
      onClose={onClose}
      disabled={form.username === '' || form.email === ''}
      told={['/username', '/displayName', '/email', '/role', '/signIn']}
      onSubmit={submit}
    >
      <TextField
        label={t.username}
        value={form.username}
        onText={(username) => set({ username })}
        disabled={user !== undefined}
        error={fieldProblem(problem, '/username')}
        mono
        autoFocus
      />
      <TextField
        label={t.displayName}
        optional
        value={form.displayName}
        onText={(displayName) => set({ displayName })}
        error={fieldProblem(problem, '/displayName')}
      />
      <TextField
        label={t.email}
        description={t.emailWhy}
        type="email"
        value={form.email}
        onText={(email) => set({ email })}
        error={fieldProblem(problem, '/email')}
      />
      <SelectField
        label={t.role}
        value={form.role}
        onValue={(role) => set({ role: role as Role })}
        options={roles.map((value) => ({ value, label: t.roles[value], description: t.roleWhy[value] }))}
        error={fieldProblem(problem, '/role')}
      />
      <SelectField
        label={t.signIn}
        value={form.signIn}
        onValue={(signIn) => set({ signIn: signIn as User['signIn'] })}
        options={(Object.keys(t.signIns) as User['signIn'][]).map((value) => ({
          value,
          label: t.signIns[value],
        }))}
        error={fieldProblem(problem, '/signIn')}
      />
    </ActDialog>
  );
}

type PlainAct = Exclude<UserAct, 'create' | 'edit'>;

function PlainDialog({ act, user, onClose }: { act: PlainAct; user: User; onClose: () => void }) {
  const calls = useUserCalls();
  const flash = useFlash();
  const [made, setMade] = useState<WithPassword>();
  if (made?.firstPassword !== undefined)
    return (
      <FirstPasswordPanel
        name={made.username}
        password={made.firstPassword}
        mailProblem={made.mailProblem}
        onClose={onClose}
      />
    );
  const submit = async (): Promise<'stay' | void> => {
    const { etag = '*' } = await calls.get(user.id);
    if (act === 'reset') {
      const { body } = await calls.reset(user.id, etag);
      flash({ type: 'success', header: body.mailed ? t.mailed(user.username) : t.done(user.username) });
      if (body.firstPassword === undefined) return;
      setMade(body);
      return 'stay';
    }
    if (act === 'disable' || act === 'enable')
      await calls.update(user.id, { state: act === 'disable' ? 'DISABLED' : 'ACTIVE' }, etag);
    else await calls[act](user.id, etag);
    flash({ type: 'success', header: t.done(user.username) });
  };
  return (
    <ActDialog
      title={t.titles[act](user.username)}
      submitLabel={t[act]}
      command={commands.userAct(act, user.username)}
      onClose={onClose}
      onSubmit={submit}
      {...(act === 'remove' ? { typed: user.username } : {})}
    >
      <Box>{t.whys[act]}</Box>
    </ActDialog>
  );
}
