import Box from '@cloudscape-design/components/box';
import CloudscapeHelpPanel from '@cloudscape-design/components/help-panel';
import { useLocation } from 'react-router';
import { Link } from '../frame/link.tsx';
import { Facts } from '../parts/facts.tsx';
import { homeOf, useSession } from '../session/session.tsx';
import { help as t, helpOf } from '../texts/help.ts';
import { docAddress } from './doc-address.ts';

/** What the page is for, the words that one has to know for it, and where the documentation has more. */
export function HelpPanel() {
  const { user } = useSession();
  const home = homeOf(user);
  const { pathname } = useLocation();
  const text = helpOf(pathname.slice(home.length), user.vaultId !== null);
  if (text === undefined) return null;
  return (
    <CloudscapeHelpPanel
      header={<h2>{t.title}</h2>}
      footer={
        <>
          <Box variant="h3" tagOverride="h3">
            {t.more}
          </Box>
          <ul>
            {text.links.map(([words, page]) => (
              <li key={page}>
                <Link href={docAddress(home, ...splitOf(page))}>{words}</Link>
              </li>
            ))}
          </ul>
        </>
      }
    >
      <p>{text.what}</p>
      {text.words.length > 0 && (
        <>
          <h3>{t.words}</h3>
          <Facts columns={1} items={text.words} />
        </>
      )}
    </CloudscapeHelpPanel>
  );
}

function splitOf(page: string): [name: string, anchor: string] {
  const [name = '', anchor = ''] = page.split('#');
  return [name, anchor];
}
