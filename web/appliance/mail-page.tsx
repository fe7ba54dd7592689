import { useState } from 'react';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import type { Answered } from '../api/client.ts';
import { fieldProblem, isProblemOf } from '../api/problem.ts';
import { pace } from '../api/looks.ts';
import { again, useAct, useRecord } from '../api/queries.ts';
import { useFlash } from '../frame/flash.tsx';
import { Page } from '../frame/page.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { Facts } from '../parts/facts.tsx';
import { SelectField, TextField } from '../parts/fields.tsx';
import { RecordState } from '../parts/record-state.tsx';
import { Empty } from '../parts/resource-table.tsx';
import { useSeen, useWhole, type Fact, type Seen } from '../parts/seen.tsx';
import { useMay } from '../session/session.tsx';
import { appliance as t } from '../texts/appliance.ts';
import { commands } from '../texts/commands.ts';
import { parts } from '../texts/parts.ts';

type Mail = Schemas['MailSettings'];

/** The mail server of the appliance. */
export function MailPage() {
  const may = useMay();
  const read = useRecord('getMail', undefined, { every: pace.rare });
  const [open, setOpen] = useState<{ act: 'edit' | 'remove' | 'test'; seen: Seen<Mail> | undefined }>();
  const isNone = isProblemOf(read.error, 'not-found');
  const seen = isNone || read.data === undefined ? undefined : { ...read.data, etag: read.data.etag ?? '' };
  const close = () => setOpen(undefined);
  return (
    <Page
      title={t.mail}
      description={t.mailWhy}
      actions={
        may('putMail') &&
        (isNone || seen !== undefined) && (
          <SpaceBetween direction="horizontal" size="xs">
            {seen !== undefined && (
              <Button onClick={() => setOpen({ act: 'remove', seen })}>{t.mailRemove}</Button>
            )}
            {seen !== undefined && (
              <Button onClick={() => setOpen({ act: 'test', seen })}>{t.mailTest}</Button>
            )}
            <Button variant="primary" onClick={() => setOpen({ act: 'edit', seen })}>
              {seen === undefined ? t.mailSet : t.mailEdit}
            </Button>
          </SpaceBetween>
        )
      }
    >
      {isNone ? (
        <Container>
          <Empty title={t.noMail} why={t.noMailWhy} />
        </Container>
      ) : (
        <RecordState read={read}>
          {(mail) => (
            <Container>
              <Facts
                items={[
                  [t.host, mail.host],
                  [t.port, mail.port],
                  [t.securityLabel, t.securities[mail.security]],
                  [t.from, mail.from],
                  [t.username, mail.username ?? parts.none],
                  [t.hasPassword, mail.hasPassword ? parts.yes : parts.no],
                ]}
              />
            </Container>
          )}
        </RecordState>
      )}
      {open?.act === 'edit' && (
        <MailDialog seen={open.seen} refetch={async () => again(read)} onClose={close} />
      )}
      {open?.act === 'test' && <TestDialog onClose={close} />}
      {open?.act === 'remove' && open.seen !== undefined && (
        <RemoveDialog seen={open.seen} refetch={async () => again(read)} onClose={close} />
      )}
    </Page>
  );
}

interface DialogProps {
  seen: Seen<Mail> | undefined;
  refetch: () => Promise<Answered<Mail>>;
  onClose: () => void;
}

function formOf(mail: Mail | undefined) {
  return {
    host: mail?.host ?? '',
    port: mail?.port.toString() ?? '587',
    security: mail?.security ?? 'starttls',
    username: mail?.username ?? '',
    password: '',
    from: mail?.from ?? '',
    caCertificates: mail?.caCertificates ?? '',
  };
}

function factsOf(mail: Mail): readonly Fact[] {
  return [
    [t.host, mail.host],
    [t.port, String(mail.port)],
    [t.securityLabel, t.securities[mail.security]],
    [t.from, mail.from],
    [t.username, mail.username ?? ''],
    [t.hasPassword, mail.hasPassword ? parts.yes : parts.no],
    [t.ca, mail.caCertificates ?? ''],
  ];
}

function MailDialog({ seen, refetch, onClose }: DialogProps) {
  const flash = useFlash();
  const before = seen?.body;
  const [form, setForm] = useState(() => formOf(before));
  // The record is sent whole.
  const { ifMatch, whenChanged } = useWhole(seen, refetch, factsOf, (now) => setForm(formOf(now)));
  const set = (change: Partial<typeof form>) => setForm((now) => ({ ...now, ...change }));
  const put = useAct('putMail');
  return (
    <ActDialog
      size="large"
      title={t.mail}
      submitLabel={parts.save}
      command={commands.mailSet(form, before?.hasPassword === true && form.password === '')}
      onClose={onClose}
      disabled={form.host === '' || form.from === ''}
      told={['/host', '/port', '/security', '/username', '/password', '/from', '/caCertificates']}
      {...whenChanged}
      onSubmit={async () => {
        await put.mutateAsync({
          body: {
            host: form.host,
            port: Number(form.port),
            security: form.security,
            username: form.username === '' ? null : form.username,
            from: form.from,
            caCertificates: form.caCertificates === '' ? null : form.caCertificates,
            ...(form.password === '' ? {} : { password: form.password }),
          },
          ifMatch: await ifMatch(),
        });
        flash({ type: 'success', header: t.mailSaved });
      }}
    >
      <TextField
        label={t.host}
        value={form.host}
        onText={(host) => set({ host })}
        error={fieldProblem(put.error, '/host')}
        mono
        autoFocus
      />
      <TextField
        label={t.port}
        type="number"
        value={form.port}
        onText={(port) => set({ port })}
        error={fieldProblem(put.error, '/port')}
      />
      <SelectField
        label={t.securityLabel}
        value={form.security}
        onValue={(security) => set({ security: security as Mail['security'] })}
        options={(Object.keys(t.securities) as Mail['security'][]).map((value) => ({
          value,
          label: t.securities[value],
        }))}
        error={fieldProblem(put.error, '/security')}
      />
      <TextField
        label={t.from}
        value={form.from}
        onText={(from) => set({ from })}
        error={fieldProblem(put.error, '/from')}
      />
      <TextField
        label={t.username}
        optional
        value={form.username}
        onText={(username) => set({ username })}
        error={fieldProblem(put.error, '/username')}
        mono
      />
      <TextField
        label={t.password}
        constraint={before?.hasPassword === true ? t.passwordStays : undefined}
        optional
        type="password"
        autoComplete="new-password"
        value={form.password}
        onText={(password) => set({ password })}
        error={fieldProblem(put.error, '/password')}
      />
      <TextField
        label={t.ca}
        description={t.caWhy}
        optional
        rows={3}
        value={form.caCertificates}
        onText={(caCertificates) => set({ caCertificates })}
        error={fieldProblem(put.error, '/caCertificates')}
        mono
      />
    </ActDialog>
  );
}

function TestDialog({ onClose }: { onClose: () => void }) {
  const flash = useFlash();
  const [to, setTo] = useState('');
  const test = useAct('testMail');
  return (
    <ActDialog
      title={t.mailTest}
      submitLabel={t.mailTest}
      command={commands.mailTest(to)}
      onClose={onClose}
      disabled={to === ''}
      told={['/to']}
      onSubmit={async () => {
        await test.mutateAsync({ body: { to } });
        flash({ type: 'success', header: t.mailTested(to) });
      }}
    >
      <TextField
        label={t.mailTestTo}
        type="email"
        value={to}
        onText={setTo}
        error={fieldProblem(test.error, '/to')}
        autoFocus
      />
    </ActDialog>
  );
}

function RemoveDialog({ seen, refetch, onClose }: DialogProps & { seen: Seen<Mail> }) {
  const flash = useFlash();
  const remove = useAct('deleteMail');
  const { etag, whenChanged } = useSeen(seen, refetch, factsOf);
  return (
    <ActDialog
      title={t.mailRemoveTitle}
      submitLabel={t.mailRemove}
      command={commands.mailDelete()}
      asksWhy
      onClose={onClose}
      {...whenChanged}
      onSubmit={async (why) => {
        await remove.mutateAsync({ body: why, ifMatch: etag });
        flash({ type: 'success', header: t.mailRemoved });
      }}
    >
      <Box>{t.mailRemoveWhy}</Box>
    </ActDialog>
  );
}
