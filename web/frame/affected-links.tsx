import { Link } from 'react-router';
import { homeOf, useSession } from '../session/session.tsx';
import { frame as t } from '../texts/frame.ts';
import { hrefOf, type Affected } from './affected.ts';

/** So many are told one by one. */
const most = 5;

interface Props {
  /** A node of an older version does not say. */
  finding: { on?: readonly Affected[]; onMore?: number };
}

/** What a finding is on, each a way to its page. */
export function AffectedLinks({ finding: { on, onMore = 0 } }: Props) {
  const { user } = useSession();
  const home = homeOf(user);
  const linked = (on ?? []).flatMap((affected) => {
    const href = hrefOf(home, user.vaultId === null, affected);
    return href === undefined ? [] : [{ ...affected, href }];
  });
  if (linked.length === 0) return null;
  const more = linked.length - most + onMore;
  return (
    <span className="affected">
      {linked.slice(0, most).map(({ kind, id, name, href }) => (
        <Link key={`${kind} ${id}`} to={href}>
          {t.affected(kind, name)}
        </Link>
      ))}
      {more > 0 && <span>{t.affectedMore(more)}</span>}
    </span>
  );
}
