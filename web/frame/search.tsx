import { useRef, useState } from 'react';
import Autosuggest from '@cloudscape-design/components/autosuggest';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from 'react-router';
import { call } from '../api/client.ts';
import { filtered } from '../parts/filter-in-address.ts';
import { homeOf, useSession } from '../session/session.tsx';
import { frame as t } from '../texts/frame.ts';
import { useFlash } from './flash.tsx';
import { ProblemAlert } from './problem-alert.tsx';
import { matchesOf } from './search-matches.ts';
import { useSearched } from './use-searched.ts';

/**
 * Finds what is here by name. In a vault whatever is typed and not chosen from what is offered is looked for among the
 * CloudKeys, by whatever name somebody has for one: the API knows them all.
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
  const matches = matchesOf(text, kinds);
  const findKey = async (vault: string, called: string) => {
    const { body } = await client.fetchQuery({
      queryKey: ['search', vault, called],
      queryFn: async () => call('listCloudKeys', { params: { vaultId: vault }, query: { called } }),
      staleTime: 0,
      gcTime: 0,
    });
    const [key, ...more] = body.items;
    const isOne = key !== undefined && more.length === 0;
    return isOne ? `${home}/cloud-keys/${key.id}` : filtered(`${home}/cloud-keys`, ['', ':', called]);
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
