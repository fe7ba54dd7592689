import { useState } from 'react';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import type { Answered } from '../api/client.ts';
import { fieldProblem, isProblemOf } from '../api/problem.ts';
import { pace, useAct, useRecord } from '../api/queries.ts';
import { useFlash } from '../frame/flash.tsx';
import { Page } from '../frame/page.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { Facts } from '../parts/facts.tsx';
import { SelectField, TextField } from '../parts/fields.tsx';
import { RecordState } from '../parts/record-state.tsx';
import { Empty } from '../parts/resource-table.tsx';
import { useMay } from '../session/session.tsx';
import { appliance as t } from '../texts/appliance.ts';
import { commands } from '../texts/commands.ts';
import { parts } from '../texts/parts.ts';

type Mail = Schemas['MailSettings'];

/** The mail server of the appliance. */
export function MailPage() {
  const may = useMay();
  const read = useRecord('getMail', undefined, { every: pace.rare });
  const [open, setOpen] = useState<{ act: 'edit' | 'remove' | 'test'; seen: Answered<Mail> | undefined }>();
  const isNone = isProblemOf(read.error, 'not-found');
  const seen = isNone ? undefined : read.data;
  const close = () => setOpen(undefined);
  return (
    <Page
      title={t.mail}
      description={t.mailWhy}
      actions={
        may('putMail') && (
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
        <MailDialog
          seen={open.seen}
          refetch={async () => (await read.refetch()).data?.etag}
          onClose={close}
        />
      )}
      {open?.act === 'test' && <TestDialog onClose={close} />}
      {open?.act === 'remove' && <RemoveDialog etag={open.seen?.etag ?? '*'} onClose={close} />}
    </Page>
  );
}

interface DialogProps {
  seen: Answered<Mail> | undefined;
  refetch: () => Promise<string | undefined>;
  onClose: () => void;
}

function MailDialog({ seen, refetch, onClose }: DialogProps) {
  const flash = useFlash();
  const before = seen?.body;
  const [etag, setEtag] = useState(seen?.etag ?? '*');
  const [form, setForm] = useState({
    host: before?.host ?? '',
    port: before?.port.toString() ?? '587',
    security: before?.security ?? 'starttls',
    username: before?.username ?? '',
    password: '',
    from: before?.from ?? '',
    caCertificates: before?.caCertificates ?? '',
  });
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
      onConflict={async () => setEtag((await refetch()) ?? '*')}
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
          ifMatch: etag,
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

function RemoveDialog({ etag, onClose }: { etag: string; onClose: () => void }) {
  const flash = useFlash();
  const remove = useAct('deleteMail');
  return (
    <ActDialog
      title={t.mailRemoveTitle}
      submitLabel={t.mailRemove}
      command={commands.mailDelete()}
      onClose={onClose}
      onSubmit={async () => {
        await remove.mutateAsync({ ifMatch: etag });
        flash({ type: 'success', header: t.mailRemoved });
      }}
    >
      <Box>{t.mailRemoveWhy}</Box>
    </ActDialog>
  );
}
