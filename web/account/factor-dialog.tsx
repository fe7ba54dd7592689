import { useState } from 'react';
import Box from '@cloudscape-design/components/box';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import { useAct } from '../api/queries.ts';
import { useFlash } from '../frame/flash.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { account as t } from '../texts/account.ts';
import { commands } from '../texts/commands.ts';
import { RecoveryCodesPanel } from './enrol-dialog.tsx';

/** Turns one's own second factor off, or makes new recovery codes: either with password and code. */
export function FactorDialog({ what, onClose }: { what: 'off' | 'codes'; onClose: () => void }) {
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const [codes, setCodes] = useState<readonly string[]>();
  const remove = useAct('removeTotp');
  const renew = useAct('newRecoveryCodes');
  const flash = useFlash();
  if (codes !== undefined) return <RecoveryCodesPanel codes={codes} onClose={onClose} />;
  const isOff = what === 'off';
  return (
    <ActDialog
      title={isOff ? t.turnOffTitle : t.newCodes}
      submitLabel={isOff ? t.turnOff : t.newCodes}
      command={isOff ? commands.secondFactorOff() : commands.recoveryCodes()}
      onClose={onClose}
      disabled={password === '' || code.trim().length < 6}
      onSubmit={async () => {
        const body = { password, code: code.trim() };
        if (isOff) {
          await remove.mutateAsync({ body });
          flash({ type: 'success', header: t.turnedOff });
          return;
        }
        const renewed = await renew.mutateAsync({ body });
        setCodes(renewed.body.recoveryCodes);
        return 'stay';
      }}
    >
      <Box>{isOff ? t.turnOffWhy : t.codesWhy}</Box>
      <FormField label={t.currentPassword}>
        <Input
          type="password"
          autoComplete="current-password"
          value={password}
          onChange={({ detail }) => setPassword(detail.value)}
          autoFocus
        />
      </FormField>
      <FormField label={t.code}>
        <Input autoComplete="one-time-code" value={code} onChange={({ detail }) => setCode(detail.value)} />
      </FormField>
    </ActDialog>
  );
}
