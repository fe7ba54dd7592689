import type { Schemas } from '../../src/cli/client/api-types.ts';
import { filtered } from '../parts/filter-in-address.ts';

export type Affected = Schemas['Status']['findings'][number]['on'][number];

/** The address of what a finding is on, for users of a vault or of the appliance; undefined where they have no page of it. */
export function hrefOf(home: string, ofAppliance: boolean, affected: Affected): string | undefined {
  const { kind, id, name, keySetId = '', cloudKeyId = '' } = affected;
  const at = (...parts: readonly string[]) => [home, ...parts.map(encodeURIComponent)].join('/');
  const pages: Partial<Record<Affected['kind'], string>> = ofAppliance
    ? {
        vault: filtered(at('vaults'), ['by-name', '=', name]),
        token: at('tokens', id),
        node: at('nodes', id),
      }
    : {
        vault: at('settings'),
        'key-set': at('key-sets', id),
        'cloud-key': at('cloud-keys', id),
        'xks-credential': `${at('key-sets', keySetId)}?tab=credentials`,
        'external-key-store': at('external-key-stores', keySetId, id),
        'kms-key': at('kms-keys', cloudKeyId, id),
      };
  return pages[kind];
}

/** Whether a page is of what a finding is on, or of the key set that it belongs to. */
export function isPageOf(
  pathname: string,
  home: string,
  ofAppliance: boolean,
  { on }: { on?: readonly Affected[] },
): boolean {
  // A node of an older version does not say.
  return (on ?? []).some((affected) => {
    const [own] = (hrefOf(home, ofAppliance, affected) ?? '').split('?');
    const keySet = affected.keySetId === undefined ? undefined : `${home}/key-sets/${affected.keySetId}`;
    return pathname === keySet || (pathname === own && !(ofAppliance && affected.kind === 'vault'));
  });
}
