import type { Statement } from './policy-document.ts';
import type { Principal } from './principal.ts';

const ACCOUNT = /^(?:arn:[a-z-]+:iam::(\d{12}):root|(\d{12}))$/;

/**
 * How a statement of a resource policy names the principal: itself (its ARN, its role's, everyone), or only its account. `arn:…:root`
 * means the account, so that the account's own policies decide; for the root user both are one.
 */
export function grantTo(statement: Statement, principal: Principal): 'principal' | 'account' | 'none' {
  const { principals } = statement;
  if (principals === undefined) return 'principal';
  let best: 'principal' | 'account' | 'none' = 'none';
  for (const { type, value } of principals.names) {
    if (type !== 'AWS') continue;
    const account = ACCOUNT.exec(value);
    if (account === null) {
      if (namesOf(principal).includes(value)) best = 'principal';
    } else if ((account[1] ?? account[2]) === principal.accountId) {
      if (principal.kind === 'root') best = 'principal';
      else if (best === 'none') best = 'account';
    }
  }
  if (!principals.not) return statement.effect === 'Deny' && best !== 'none' ? 'principal' : best;
  return best === 'none' ? 'principal' : 'none';
}

/** With the unique id, by which AWS names in a policy who was deleted or is made again under the same name. */
function namesOf({ arn, policyArn, id, session }: Principal): string[] {
  return ['*', arn, policyArn, session?.roleId ?? id];
}
