import { useState } from 'react';
import Box from '@cloudscape-design/components/box';
import { fieldProblem } from '../api/problem.ts';
import { useIdempotencyKeys } from '../api/queries.ts';
import { useFlash } from '../frame/flash.tsx';
import { ActDialog, type Why } from '../parts/act-dialog.tsx';
import { SelectField, TextField } from '../parts/fields.tsx';
import { changeOf, merged, Opened, useSeen, type Fact, type Seen } from '../parts/seen.tsx';
import { stateWord } from '../parts/state.tsx';
import { commands } from '../texts/commands.ts';
import { parts } from '../texts/parts.ts';
import { people as t } from '../texts/people.ts';
import { FirstPasswordPanel } from './first-password-panel.tsx';
import {
  isPasswordLost,
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
  const calls = useUserCalls();
  if (user === undefined || act === 'create') return <UserForm onClose={onClose} />;
  return (
    <Opened title={t.titles[act](user.username)} read={async () => calls.get(user.id)} onClose={onClose}>
      {(seen) =>
        act === 'edit' ? (
          <UserForm first={seen} onClose={onClose} />
        ) : (
          <PlainDialog act={act} first={seen} onClose={onClose} />
        )
      }
    </Opened>
  );
}

function factsOf(user: User): readonly Fact[] {
  return [
    [t.displayName, user.displayName],
    [t.email, user.email],
    [t.role, t.roles[user.role]],
    [t.signIn, t.signIns[user.signIn]],
    [parts.state, user.locked ? t.locked : stateWord(user.state)],
    [t.factor, user.secondFactor ? parts.yes : parts.no],
  ];
}

function formOf({ username, displayName, email, role, signIn }: User): NewUser {
  return { username, displayName, email, role, signIn };
}

function UserForm({ first, onClose }: { first?: Seen<User>; onClose: () => void }) {
  const user = first?.body;
  const roles = useRoles();
  const calls = useUserCalls();
  const flash = useFlash();
  const keyOf = useIdempotencyKeys();
  const [form, setForm] = useState<NewUser>(() =>
    user === undefined
      ? { username: '', displayName: '', email: '', role: roles[0] ?? 'auditor', signIn: 'password' }
      : formOf(user),
  );
  const { now, etag, whenChanged } = useSeen(
    first,
    async () => calls.get(user?.id ?? ''),
    factsOf,
    (before, theirs) => setForm((mine) => merged(mine, formOf(before), formOf(theirs))),
  );
  const change = now === undefined ? form : changeOf(form, formOf(now));
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
        await calls.update(user.id, change, etag);
        flash({ type: 'success', header: t.done(user.username) });
        return;
      }
      const { body } = await calls.create(form, keyOf(form));
      if (isPasswordLost(body)) {
        flash({ type: 'warning', header: t.passwordLost(body.username), content: t.passwordLostWhy });
        return;
      }
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
      command={user === undefined ? commands.userCreate(form) : commands.userEdit(user.username, change)}
      onClose={onClose}
      disabled={form.username === '' || form.email === '' || Object.keys(change).length === 0}
      told={['/username', '/displayName', '/email', '/role', '/signIn']}
      onSubmit={submit}
      {...whenChanged}
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

interface PlainProps {
  act: PlainAct;
  first: Seen<User>;
  onClose: () => void;
}

function PlainDialog({ act, first, onClose }: PlainProps) {
  const user = first.body;
  const calls = useUserCalls();
  const { etag, whenChanged } = useSeen(first, async () => calls.get(user.id), factsOf);
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
  const submit = async (why: Why): Promise<'stay' | void> => {
    if (act === 'reset') {
      const { body } = await calls.reset(user.id, etag);
      if (isPasswordLost(body)) {
        flash({ type: 'warning', header: t.passwordLost(body.username), content: t.passwordLostWhy });
        return;
      }
      flash({ type: 'success', header: body.mailed ? t.mailed(user.username) : t.done(user.username) });
      if (body.firstPassword === undefined) return;
      setMade(body);
      return 'stay';
    }
    if (act === 'disable' || act === 'enable')
      await calls.update(user.id, { state: act === 'disable' ? 'DISABLED' : 'ACTIVE' }, etag);
    else if (act === 'remove') await calls.remove(user.id, etag, why);
    else await calls[act](user.id, etag);
    flash({ type: 'success', header: t.done(user.username) });
  };
  return (
    <ActDialog
      title={t.titles[act](user.username)}
      submitLabel={t[act]}
      command={commands.userAct(act, user.username)}
      onClose={onClose}
      asksWhy={act === 'remove'}
      onSubmit={submit}
      {...whenChanged}
      {...(act === 'remove' ? { typed: user.username } : {})}
    >
      <Box>{t.whys[act]}</Box>
    </ActDialog>
  );
}
