import Tabs, { type TabsProps } from '@cloudscape-design/components/tabs';
import { useSearchParams } from 'react-router';

/** The tabs of a page; which of them is open stands in the address. The first is, unless that says otherwise. */
export function PageTabs({ of, tabs }: { of: string; tabs: readonly [TabsProps.Tab, ...TabsProps.Tab[]] }) {
  const [search, setSearch] = useSearchParams();
  const asked = search.get('tab');
  return (
    <Tabs
      ariaLabel={of}
      activeTabId={(tabs.find(({ id }) => id === asked) ?? tabs[0]).id}
      onChange={({ detail }) => setSearch({ tab: detail.activeTabId }, { replace: true })}
      tabs={tabs}
    />
  );
}
