import { TokenError } from '../token/faults.ts';
import type { FoundKey } from '../token/messages.ts';
import type { VaultContext } from '../vault/context.ts';
import { VaultError } from '../vault/vault-error.ts';
import { askMember, membersInUse } from './hsm/group-members.ts';

/**
 * The key object of another's making that has this label in the token. Throws VaultError where none has it, or several do:
 * what was asked for is wrong then, and not the token; TokenError.
 */
export async function findKeyToAdopt(context: VaultContext, token: string, label: string): Promise<FoundKey> {
  const pool = context.tokens.pool(token);
  const find = async (member: string): Promise<FoundKey> =>
    (await askMember(pool, member, async (options) => pool.call({ kind: 'findKey', label }, options))).value;
  try {
    const [first = '', ...others] = membersInUse(pool);
    const found = await find(first);
    // What one of them may do beyond a CloudKey is to be known as well; that it is the same key its proof will show.
    return (await Promise.all(others.map(find))).find(({ compliant }) => !compliant) ?? found;
  } catch (error) {
    throw error instanceof TokenError ? (asMistake(error, token, label) ?? error) : error;
  }
}

function asMistake({ fault, detail }: TokenError, token: string, label: string): VaultError | undefined {
  const named = `with the label ${JSON.stringify(label)}`;
  if (fault === 'key-missing')
    return new VaultError(
      'invalid',
      `there is no AES key ${named} in the slot of token ${token}${detail === undefined ? '' : `: ${detail}`}`,
      'give the CKA_LABEL as the token has it; pkcs11-tool --list-objects --type secrkey --login shows every one. A key in ' +
        'another slot needs a [[token]] of its own',
    );
  if (fault === 'key-duplicate')
    return new VaultError(
      'invalid',
      `there are several AES keys ${named} in the slot of token ${token}, and it is not clear which one is meant`,
      'give the intended one a label of its own (pkcs11-tool, or the vendor’s tool), then try again with that',
    );
  return undefined;
}
