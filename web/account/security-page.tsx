import { useState } from 'react';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Box from '@cloudscape-design/components/box';
import { CommandLine } from '../frame/command.tsx';
import { useFlash } from '../frame/flash.tsx';
import { Page } from '../frame/page.tsx';
import { NewPasswordForm } from '../session/new-password-form.tsx';
import { useSession, useSessionFacts } from '../session/session.tsx';
import { account as t } from '../texts/account.ts';
import { commands } from '../texts/commands.ts';
import { frame } from '../texts/frame.ts';
import { useAboveAccount } from './above.ts';
import { EnrolDialog } from './enrol-dialog.tsx';
import { FactorDialog } from './factor-dialog.tsx';

type Open = 'password' | 'enrol' | 'off' | 'codes';

/** One's own password and second factor. */
export function SecurityPage() {
  const { method, user } = useSession();
  const { enter, look } = useSessionFacts();
  const flash = useFlash();
  const [open, setOpen] = useState<Open>();
  const close = () => setOpen(undefined);
  const isOn = user.secondFactor;
  const closeFactor = () => {
    close();
    void look();
  };
  return (
    <Page title={t.security} above={useAboveAccount()}>
      <SpaceBetween size="l">
        <Container
          header={
            <Header
              variant="h2"
              description={method === 'oidc' ? t.bySso : t.passwordWhy}
              actions={
                method === 'password' && (
                  <Button onClick={() => setOpen('password')}>{t.changePassword}</Button>
                )
              }
            >
              {t.password}
            </Header>
          }
        />
        <Container
          header={
            <Header
              variant="h2"
              description={t.factorWhy}
              actions={
                isOn ? (
                  <SpaceBetween direction="horizontal" size="xs">
                    <Button onClick={() => setOpen('codes')}>{t.newCodes}</Button>
                    <Button onClick={() => setOpen('off')}>{t.turnOff}</Button>
                  </SpaceBetween>
                ) : (
                  <Button variant="primary" onClick={() => setOpen('enrol')}>
                    {t.setUp}
                  </Button>
                )
              }
            >
              {t.factor}
            </Header>
          }
        >
          <SpaceBetween size="xs">
            <StatusIndicator type={isOn ? 'success' : 'stopped'}>{isOn ? t.on : t.off}</StatusIndicator>
            {isOn && <Box color="text-body-secondary">{t.codesWhy}</Box>}
          </SpaceBetween>
        </Container>
      </SpaceBetween>
      {open === 'password' && (
        <Modal visible header={t.changePassword} closeAriaLabel={frame.close} onDismiss={close}>
          <SpaceBetween size="m">
            <NewPasswordForm
              submitLabel={t.changePassword}
              passwordLabel={t.currentPassword}
              onStep={(opened) => {
                enter(opened);
                close();
                flash({ type: 'success', header: t.passwordChanged });
              }}
            />
            <CommandLine command={commands.passwordChange()} />
          </SpaceBetween>
        </Modal>
      )}
      {open === 'enrol' && <EnrolDialog onClose={closeFactor} />}
      {(open === 'off' || open === 'codes') && <FactorDialog what={open} onClose={closeFactor} />}
    </Page>
  );
}
