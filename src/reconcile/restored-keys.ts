import { TokenError } from '../token/faults.ts';
import { membersInUse } from '../keys/hsm/group-members.ts';
import { unfitnessOf } from '../keys/key-proofs.ts';
import { keyPages, versionPages, type VersionOnRecord } from './reconcile-records.ts';
import type { NamedSecret } from '../vault/sealing.ts';
import type { VaultContext } from '../vault/context.ts';
import { managementDeadline } from '../vault/tokens.ts';
import { reseal } from '../vault/sealing.ts';

/** What a token has of what a store needs of it. */
export interface TokenContents {
  token: string;
  /** Versions of which the token has the key. */
  proven: number;
  /** Sealed secrets that its sealing key opens. */
  opened: number;
  /** What it has not, or what does not open, in words. */
  missing: string[];
  /** Members of an HSM group that could not be asked, and why; what was found was found in the others. */
  notAsked: readonly string[];
}

/**
 * Looks whether a token has the key of each version that a store has in it, and opens the secrets that were sealed by it.
 * Nothing is changed, in the store or in the token. Throws TokenError where the token does not say.
 */
export async function examineToken(
  context: Pick<VaultContext, 'store' | 'tokens'>,
  token: string,
  secrets: AsyncIterable<NamedSecret>,
): Promise<TokenContents> {
  const contents: TokenContents = { token, proven: 0, opened: 0, missing: [], notAsked: [] };
  await examineKeys(context, contents);
  for await (const secret of secrets)
    if (secret.token === token) await examineSecret(context, contents, secret);
  return contents;
}

/** Side by side with the token's own list, by which it learns where its keys are without a search for each. */
async function examineKeys(
  context: Pick<VaultContext, 'store' | 'tokens'>,
  contents: TokenContents,
): Promise<void> {
  const comparing = { context };
  let after: Uint8Array = Buffer.alloc(0);
  const upTo = async (last: Uint8Array | undefined): Promise<void> => {
    for await (const rows of versionPages(comparing, after, last))
      for (const row of rows)
        if (row.token === contents.token && isNeeded(row)) await examineKey(context, contents, row);
  };
  const pool = context.tokens.pool(contents.token);
  const [first = ''] = membersInUse(pool);
  for await (const keys of keyPages(pool, first)) {
    const last = keys.at(-1)?.id;
    if (last === undefined) continue;
    await upTo(last);
    after = last;
  }
  await upTo(undefined);
}

function isNeeded({ state, keyState }: VersionOnRecord): boolean {
  return state === 'ACTIVE' && keyState !== 'DELETED';
}

async function examineKey(
  { tokens }: Pick<VaultContext, 'tokens'>,
  contents: TokenContents,
  row: VersionOnRecord,
): Promise<void> {
  const name = `CloudKey ${row.name} (${row.externalKeyId}), version ${row.version}`;
  try {
    const unfit = await unfitnessOf({ tokens }, row);
    if (unfit === undefined) contents.proven++;
    else contents.missing.push(`${name}: the token has another key in its place: ${unfit}`);
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    if (error.fault === 'key-missing')
      contents.missing.push(
        row.leftIn === null
          ? `${name}: the token has no such key`
          : `${name}: it is in a token that another has replaced under this name`,
      );
    else if (error.fault === 'key-duplicate')
      contents.missing.push(`${name}: several keys of the token have its CKA_ID`);
    else throw error;
  }
}

async function examineSecret(
  context: Pick<VaultContext, 'store' | 'tokens'>,
  contents: TokenContents,
  secret: NamedSecret,
): Promise<void> {
  try {
    await reseal(context, secret);
    contents.opened++;
  } catch (error) {
    if (!(error instanceof TokenError) || error.fault !== 'seal-broken') throw error;
    contents.missing.push(`${secret.what}: the sealing key of the token does not open it`);
  }
}

/** The tokens that a store needs: those of its key sets, and those by which its secrets are sealed. */
export async function tokensNeeded(
  { store }: Pick<VaultContext, 'store'>,
  secrets: AsyncIterable<NamedSecret>,
): Promise<string[]> {
  const used = await store.db.selectFrom('key_sets').select('token').distinct().execute();
  const names = new Set(used.map(({ token }) => token));
  for await (const { token } of secrets) names.add(token);
  return [...names].toSorted();
}

/** Whether the token answers at all; told before thousands of keys are looked at. Throws TokenError. */
export async function askHealth({ tokens }: Pick<VaultContext, 'tokens'>, token: string): Promise<void> {
  await tokens.pool(token).call({ kind: 'health' }, managementDeadline());
}
