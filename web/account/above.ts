import { homeOf, useSession } from '../session/session.tsx';
import { account as t } from '../texts/account.ts';

/** What stands above the pages of what is one's own. */
export function useAboveAccount(): readonly { text: string; href: string }[] {
  return [{ text: t.title, href: `${homeOf(useSession().user)}/account/security` }];
}
