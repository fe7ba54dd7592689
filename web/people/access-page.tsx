import { Page } from '../frame/page.tsx';
import { PageTabs } from '../parts/page-tabs.tsx';
import { useSession } from '../session/session.tsx';
import { access as t } from '../texts/access.ts';
import { SignInRules } from './sign-in-rules.tsx';
import { UserKeysTable } from './user-keys-table.tsx';
import { UserSessionsTable } from './user-sessions-table.tsx';

/** With what the users of the vault, or of the appliance, are let in. */
export function AccessPage() {
  const { vaultId } = useSession().user;
  return (
    <Page title={t.title} description={vaultId === null ? t.applianceWhy : t.why}>
      <PageTabs
        of={t.title}
        tabs={[
          { id: 'keys', label: t.keys, content: <UserKeysTable /> },
          { id: 'sessions', label: t.sessions, content: <UserSessionsTable /> },
          { id: 'rules', label: t.rules, content: <SignInRules /> },
        ]}
      />
    </Page>
  );
}
