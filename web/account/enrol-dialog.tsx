import { lazy, Suspense, useState } from 'react';
import Box from '@cloudscape-design/components/box';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { fieldProblem } from '../api/problem.ts';
import { useAct } from '../api/queries.ts';
import { Copyable } from '../frame/copyable.tsx';
import { useFlash } from '../frame/flash.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { OneTimePanel } from '../parts/one-time-panel.tsx';
import { account as t } from '../texts/account.ts';
import { commands } from '../texts/commands.ts';

const QrCode = lazy(async () => ({ default: (await import('../parts/qr-code.tsx')).QrCode }));

/** Password, then the secret for the app, then a code that proves it, then the recovery codes. */
export function EnrolDialog({ onClose }: { onClose: () => void }) {
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const [enrolment, setEnrolment] = useState<Schemas['TotpEnrolment']>();
  const [codes, setCodes] = useState<readonly string[]>();
  const begin = useAct('enrolTotp');
  const confirm = useAct('confirmTotp');
  const flash = useFlash();
  if (codes !== undefined)
    return (
      <RecoveryCodesPanel
        codes={codes}
        onClose={() => {
          flash({ type: 'success', header: t.turnedOn });
          onClose();
        }}
      />
    );
  if (enrolment === undefined)
    return (
      <ActDialog
        key="password"
        title={t.begin}
        submitLabel={t.continue}
        command={commands.secondFactorOn()}
        onClose={onClose}
        disabled={password === ''}
        onSubmit={async () => {
          const { body } = await begin.mutateAsync({ body: { password } });
          setPassword('');
          setEnrolment(body);
          return 'stay';
        }}
      >
        <Box>{t.beginWhy}</Box>
        <FormField label={t.currentPassword}>
          <Input
            type="password"
            autoComplete="current-password"
            value={password}
            onChange={({ detail }) => setPassword(detail.value)}
            autoFocus
          />
        </FormField>
      </ActDialog>
    );
  return (
    <ActDialog
      key="code"
      title={t.addToApp}
      submitLabel={t.confirm}
      onClose={onClose}
      disabled={code.trim().length < 6}
      onSubmit={async () => {
        const { body } = await confirm.mutateAsync({ body: { code: code.trim() } });
        setEnrolment(undefined);
        setCodes(body.recoveryCodes);
        return 'stay';
      }}
    >
      <Box>{t.addWhy}</Box>
      <Suspense fallback={<div className="qr-code" />}>
        <QrCode text={enrolment.otpauthUri} label={t.qrCode} />
      </Suspense>
      <FormField label={t.secret} stretch>
        <Copyable text={enrolment.secret} what={t.secret} />
      </FormField>
      <FormField label={t.address} stretch>
        <Copyable text={enrolment.otpauthUri} what={t.address} />
      </FormField>
      <FormField label={t.codeOfApp} errorText={fieldProblem(confirm.error, '/code')}>
        <Input
          inputMode="numeric"
          autoComplete="one-time-code"
          value={code}
          onChange={({ detail }) => setCode(detail.value)}
          autoFocus
        />
      </FormField>
    </ActDialog>
  );
}

export function RecoveryCodesPanel({ codes, onClose }: { codes: readonly string[]; onClose: () => void }) {
  return (
    <OneTimePanel
      title={t.codesTitle}
      values={[{ label: t.codes, text: codes.join('  ') }]}
      files={[{ name: 'recovery-codes.txt', text: `${codes.join('\n')}\n` }]}
      onClose={onClose}
    >
      <Box>{t.codesWhy}</Box>
    </OneTimePanel>
  );
}
