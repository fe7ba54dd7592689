import { useRef, useState } from 'react';
import Autosuggest from '@cloudscape-design/components/autosuggest';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from 'react-router';
import { call } from '../api/client.ts';
import { filtered } from '../parts/filter-in-address.ts';
import { homeOf, useMay, useSession } from '../session/session.tsx';
import { frame as t } from '../texts/frame.ts';
import { useFlash } from './flash.tsx';
import { ProblemAlert } from './problem-alert.tsx';
import { kmsNames, matchesOf, placesOf, type Place } from './search-matches.ts';
import { useSearched } from './use-searched.ts';

/**
 * Finds what is here by name. In a vault whatever is typed and not chosen from what is offered is looked for among the
 * CloudKeys, by whatever name somebody has for one, and then among the refused requests: the API knows them all.
 */
export function Search() {
  const { user } = useSession();
  const { vaultId } = user;
  const home = homeOf(user);
  const client = useQueryClient();
  const navigate = useNavigate();
  const flash = useFlash();
  const [text, setText] = useState('');
  const selects = useRef(false);
  const kinds = useSearched(text !== '');
  const may = useMay();
  const matches = [...matchesOf(text, kinds), ...placesOf(text, t.searchAs, placesIn(home, may))];
  const findKey = async (vault: string, called: string) => {
    const { body } = await client.fetchQuery({
      queryKey: ['search', vault, called],
      queryFn: async () => call('listCloudKeys', { params: { vaultId: vault }, query: { called } }),
      staleTime: 0,
      gcTime: 0,
    });
    const [key, ...more] = body.items;
    if (key !== undefined && more.length === 0) return `${home}/cloud-keys/${key.id}`;
    if (key === undefined && (await isKmsRequest(vault, called)))
      return filtered(`${home}/requests`, ['by-kmsRequestId', '=', called]);
    return filtered(`${home}/cloud-keys`, ['', ':', called]);
  };
  const go = async (chosen: string | undefined) => {
    const called = text.trim();
    const first = matches[0]?.options[0]?.value;
    const href =
      chosen ?? (vaultId === null ? first : called === '' ? undefined : await findKey(vaultId, called));
    if (href === undefined) return;
    setText('');
    await navigate(href);
  };
  const start = (chosen: string | undefined) => {
    go(chosen).catch((problem: unknown) =>
      flash({ type: 'error', header: <ProblemAlert problem={problem} /> }),
    );
  };
  return (
    <search>
      <Autosuggest
        ariaLabel={vaultId === null ? t.searchAppliance : t.search}
        placeholder={vaultId === null ? t.searchApplianceFor : t.searchFor}
        clearAriaLabel={t.clearSearch}
        value={text}
        disableBrowserAutocorrect
        options={matches}
        // What is offered is matched already, by more names than are shown.
        filteringType="manual"
        enteredTextLabel={(value) => (vaultId === null ? value : t.searchKeys(value))}
        empty={vaultId === null ? t.searchNone : undefined}
        hideEnteredTextOption={vaultId === null}
        onChange={({ detail }) => setText(detail.value)}
        onSelect={({ detail }) => {
          selects.current = true;
          start(detail.selectedOption?.value);
        }}
        onKeyDown={({ detail }) => {
          if (detail.key !== 'Enter' || detail.isComposing) return;
          // Where none of what is offered is chosen by the same key.
          selects.current = false;
          queueMicrotask(() => {
            if (!selects.current) start(undefined);
          });
        }}
      />
    </search>
  );
}

/** Of a request of AWS that was refused or failed, as CloudTrail has it. */
async function isKmsRequest(vaultId: string, kmsRequestId: string): Promise<boolean> {
  const query = { kmsRequestId, limit: 1 };
  const { body } = await call('listFailedRequests', { params: { vaultId }, query });
  return body.items.length > 0;
}

function placesIn(home: string, may: ReturnType<typeof useMay>): Place[] {
  const as = (label: string, path: string, property: string) => ({
    label,
    hrefOf: (id: string) => filtered(`${home}${path}`, [property, '=', id]),
  });
  const findKey = (called: string) => `${home}/find-cloud-key?${new URLSearchParams({ called }).toString()}`;
  return [
    ...(may('listFailedRequests') ? [as(t.searchKmsRequests, '/requests', 'by-kmsRequestId')] : []),
    ...(may('listAuditEvents') || may('listApplianceAuditEvents')
      ? [as(t.searchAudit, '/audit', 'by-requestId')]
      : []),
    ...(may('findCloudKeys') ? [{ label: t.searchFindKey, hrefOf: findKey, ids: kmsNames }] : []),
  ];
}
