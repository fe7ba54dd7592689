import type { SideNavigationProps } from '@cloudscape-design/components/side-navigation';
import { matchPath } from 'react-router';
import type { OperationName } from '../api/operations.ts';
import { homeOf, type Session } from '../session/session.tsx';
import { navigation as t } from '../texts/navigation.ts';

interface Place {
  text: string;
  /** Beneath the home of the session. */
  path: string;
  /** Who may not do this does not see the page. */
  needs: OperationName;
}

type Section = Place | { text: string; places: readonly Place[] };

/** Pages of a vault, in the order of what is done with them. */
const ofVault: readonly Section[] = [
  { text: t.overview, path: '', needs: 'getVaultStatus' },
  { text: t.cloudKeys, path: '/cloud-keys', needs: 'listCloudKeys' },
  { text: t.keySets, path: '/key-sets', needs: 'listKeySets' },
  {
    text: t.aws,
    places: [
      { text: t.stores, path: '/external-key-stores', needs: 'listExternalKeyStoresInVault' },
      { text: t.kmsKeys, path: '/kms-keys', needs: 'listKmsKeys' },
      { text: t.accounts, path: '/csp-accounts', needs: 'listCspAccounts' },
    ],
  },
  { text: t.requests, path: '/requests', needs: 'listFailedRequests' },
  { text: t.audit, path: '/audit', needs: 'listAuditEvents' },
  { text: t.reconciliation, path: '/reconciliations', needs: 'listVaultReconciliations' },
  {
    text: t.security,
    places: [
      { text: t.users, path: '/users', needs: 'listUsers' },
      { text: t.access, path: '/access', needs: 'listUserApiKeys' },
      { text: t.groups, path: '/admin-groups', needs: 'listAdminGroups' },
      { text: t.sso, path: '/single-sign-on', needs: 'getVaultOidcProvider' },
    ],
  },
  { text: t.settings, path: '/settings', needs: 'getVault' },
];

const ofAppliance: readonly Section[] = [
  { text: t.overview, path: '', needs: 'getStatus' },
  { text: t.vaults, path: '/vaults', needs: 'listVaults' },
  { text: t.findKey, path: '/find-cloud-key', needs: 'findCloudKeys' },
  { text: t.tokens, path: '/tokens', needs: 'listTokens' },
  { text: t.nodes, path: '/nodes', needs: 'listNodes' },
  { text: t.lostChanges, path: '/lost-changes', needs: 'listLostChanges' },
  { text: t.certificates, path: '/certificates', needs: 'getStatus' },
  { text: t.requests, path: '/requests', needs: 'listUnauthenticatedRequests' },
  { text: t.audit, path: '/audit', needs: 'listApplianceAuditEvents' },
  { text: t.reconciliation, path: '/reconciliations', needs: 'listReconciliations' },
  {
    text: t.security,
    places: [
      { text: t.users, path: '/users', needs: 'listApplianceUsers' },
      { text: t.access, path: '/access', needs: 'listApplianceUserApiKeys' },
      { text: t.sso, path: '/single-sign-on', needs: 'getOidcProvider' },
    ],
  },
  { text: t.mail, path: '/mail', needs: 'getMail' },
  { text: t.about, path: '/about', needs: 'getStatus' },
];

/** Pages with an act of their own, which need more than the list above them. */
const ofActs: readonly Omit<Place, 'text'>[] = [
  { path: '/cloud-keys/create', needs: 'createCloudKey' },
  { path: '/cloud-keys/:cloudKeyId/edit', needs: 'updateCloudKey' },
  { path: '/key-sets/create', needs: 'createKeySet' },
];

interface Navigation {
  header: { text: string; href: string };
  items: SideNavigationProps.Item[];
  active: string;
}

/** The operation that a page is not shown without; undefined for what everybody may see. */
export function neededAt({ user }: Session, pathname: string): OperationName | undefined {
  const home = homeOf(user);
  const listed = (user.vaultId === null ? ofAppliance : ofVault).flatMap((section) =>
    'places' in section ? section.places : [section],
  );
  return [...ofActs, ...listed].find(
    ({ path }) => matchPath({ path: home + path, end: path === '' }, pathname) !== null,
  )?.needs;
}

/** What the session's user finds on the left: no page that they may not see. */
export function navigationOf(
  { user }: Session,
  may: (operation: OperationName) => boolean,
  pathname: string,
): Navigation {
  const home = homeOf(user);
  const link = ({ text, path }: Place) => ({ type: 'link' as const, text, href: home + path });
  const items = (user.vaultId === null ? ofAppliance : ofVault).flatMap(
    (section): SideNavigationProps.Item[] => {
      if (!('places' in section)) return may(section.needs) ? [link(section)] : [];
      const places = section.places.filter(({ needs }) => may(needs));
      return places.length === 0 ? [] : [{ type: 'section', text: section.text, items: places.map(link) }];
    },
  );
  const hrefs = items
    .flatMap((item) => ('items' in item ? [...item.items] : [item]))
    .flatMap((item) => ('href' in item ? [item.href] : []));
  // The longest that the address begins with: a key's page belongs to the list of keys.
  const active = hrefs
    .filter((href) => pathname === href || (href !== home && pathname.startsWith(`${href}/`)))
    .toSorted((one, other) => other.length - one.length)[0];
  return {
    header: { text: user.vaultId === null ? t.appliance : t.vault, href: home },
    items,
    active: active ?? home,
  };
}
