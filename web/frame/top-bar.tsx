import TopNavigation, { type TopNavigationProps } from '@cloudscape-design/components/top-navigation';
import { useNavigate } from 'react-router';
import { homeOf, useSession, useSessionFacts } from '../session/session.tsx';
import { frame as t } from '../texts/frame.ts';
import { navigation } from '../texts/navigation.ts';
import { useFlash } from './flash.tsx';
import { wordmark } from './mark.tsx';
import { setPreferences, usePreferences, type Appearance } from './preferences.ts';
import { ProblemAlert } from './problem-alert.tsx';
import { Search } from './search.tsx';
import { useVaultName } from './vault-name.ts';

/** Mark, where one is, how it looks, who one is. */
export function TopBar() {
  const { user } = useSession();
  const { leave } = useSessionFacts();
  const { appearance, density } = usePreferences();
  const navigate = useNavigate();
  const flash = useFlash();
  const home = homeOf(user);
  const vault = useVaultName();
  // Until its name is known the link has another: one without a name is nothing to whoever does not see it.
  const where = user.vaultId === null ? t.appliance : (vault ?? navigation.vault);
  const choose = (id: string) => {
    if (id === 'sign-out')
      leave().catch((problem: unknown) =>
        flash({ type: 'error', header: <ProblemAlert problem={problem} /> }),
      );
    else if (id === 'reference') window.open('/api/v1/reference', '_blank', 'noopener,noreferrer');
    else void navigate(`${home}/account/${id}`);
  };
  const look = (id: string) => {
    if (id === 'compact' || id === 'comfortable') setPreferences({ density: id });
    else setPreferences({ appearance: id as Appearance });
  };
  const checked = (id: string, text: string, isChecked: boolean) =>
    ({ id, text, itemType: 'checkbox', checked: isChecked }) as const;
  const utilities: TopNavigationProps.Utility[] = [
    {
      type: 'button',
      text: where,
      iconName: user.vaultId === null ? 'multiscreen' : 'lock-private',
      href: home,
      onFollow: (event) => {
        event.preventDefault();
        void navigate(home);
      },
      disableUtilityCollapse: true,
    },
    {
      type: 'menu-dropdown',
      iconName: 'settings',
      ariaLabel: t.appearance,
      title: t.appearance,
      onItemClick: ({ detail }) => look(detail.id),
      items: [
        {
          text: t.appearance,
          items: [
            checked('system', t.system, appearance === 'system'),
            checked('light', t.light, appearance === 'light'),
            checked('dark', t.dark, appearance === 'dark'),
          ],
        },
        {
          text: t.spacing,
          items: [
            checked('comfortable', t.comfortable, density === 'comfortable'),
            checked('compact', t.compact, density === 'compact'),
          ],
        },
      ],
    },
    {
      type: 'menu-dropdown',
      text: user.displayName === '' ? user.username : user.displayName,
      description: t.roles[user.role],
      iconName: 'user-profile',
      onItemClick: ({ detail }) => choose(detail.id),
      items: [
        { id: 'security', text: t.security },
        { id: 'sessions', text: t.sessions },
        { id: 'api-keys', text: t.apiKeys },
        { id: 'reference', text: t.reference, external: true, externalIconAriaLabel: t.newTab },
        { id: 'sign-out', text: t.signOut },
      ],
    },
  ];
  return (
    <TopNavigation
      identity={{
        href: home,
        logo: { src: wordmark, alt: t.product },
        onFollow: (event) => {
          event.preventDefault();
          void navigate(home);
        },
      }}
      search={<Search />}
      utilities={utilities}
      i18nStrings={{
        searchIconAriaLabel: t.search,
        searchDismissIconAriaLabel: t.close,
        overflowMenuTriggerText: t.menu,
        overflowMenuTitleText: t.menu,
      }}
    />
  );
}
