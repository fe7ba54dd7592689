import { useState } from 'react';
import Input from '@cloudscape-design/components/input';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from 'react-router';
import { call } from '../api/client.ts';
import { filtered } from '../parts/filter-in-address.ts';
import { homeOf, useSession, useVaultId } from '../session/session.tsx';
import { frame as t } from '../texts/frame.ts';
import { useFlash } from './flash.tsx';
import { ProblemAlert } from './problem-alert.tsx';

/** Finds a CloudKey by whatever name somebody has for it: the API knows them all. What is none is looked for in the list. */
export function Search() {
  const vaultId = useVaultId();
  const home = homeOf(useSession().user);
  const client = useQueryClient();
  const navigate = useNavigate();
  const flash = useFlash();
  const [text, setText] = useState('');
  const find = async () => {
    const called = text.trim();
    if (called === '') return;
    const { body } = await client.fetchQuery({
      queryKey: ['search', vaultId, called],
      queryFn: async () => call('listCloudKeys', { params: { vaultId }, query: { called } }),
      staleTime: 0,
      gcTime: 0,
    });
    const [key, ...more] = body.items;
    const isOne = key !== undefined && more.length === 0;
    const list = filtered(`${home}/cloud-keys`, ['', ':', called]);
    await navigate(isOne ? `${home}/cloud-keys/${key.id}` : list);
    setText('');
  };
  return (
    <search>
      <Input
        type="search"
        ariaLabel={t.search}
        placeholder={t.searchFor}
        clearAriaLabel={t.clearSearch}
        value={text}
        spellcheck={false}
        onChange={({ detail }) => setText(detail.value)}
        onKeyDown={({ detail }) => {
          if (detail.key === 'Enter' && !detail.isComposing)
            find().catch((problem: unknown) =>
              flash({ type: 'error', header: <ProblemAlert problem={problem} /> }),
            );
        }}
      />
    </search>
  );
}
