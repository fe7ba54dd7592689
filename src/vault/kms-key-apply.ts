import type { AwsError } from '../aws/aws-error.ts';
import type { KmsKeys } from '../aws/kms-keys.ts';
import type { AwsHouse } from './aws-house.ts';
import { giveAlias } from './kms-key-alias.ts';
import {
  formerAliasesOf,
  seenOf,
  tagsOf,
  toApplyOf,
  type Applied,
  type KmsKey,
  type SeenKey,
} from './kms-key-records.ts';
import { settled, soonChecked, writeDone, type KmsKeyChange } from './kms-key-writes.ts';

interface Taken {
  error: AwsError;
  keyArn: string | undefined;
}

/**
 * Gives AWS one of the values of ours that it is still to be given. Answers who has the alias where that is another key;
 * undefined where it is done. Throws AwsError.
 */
export async function applyOne(house: AwsHouse, row: KmsKey, kms: KmsKeys): Promise<Taken | undefined> {
  const [what] = toApplyOf(row);
  switch (what) {
    case undefined:
      return undefined;
    case 'policy':
      await kms.putPolicy(row.key_id, row.policy);
      return done(house, row, what, { policy: row.policy });
    case 'description':
      await kms.describeAs(row.key_id, row.description);
      return done(house, row, what, { description: row.description });
    case 'tags':
      await applyTags(kms, row);
      return done(house, row, what, { tags: tagsOf(row) });
    case 'alias':
      return applyAlias(house, row, kms);
  }
}

/** Ours over theirs: what is there besides goes, but for AWS's own. */
async function applyTags(kms: KmsKeys, row: KmsKey): Promise<void> {
  const ours = tagsOf(row);
  const theirs = await kms.tags(row.key_id);
  const set = Object.entries(ours).filter(([name, value]) => theirs[name] !== value);
  const remove = Object.keys(theirs).filter((name) => !Object.hasOwn(ours, name));
  // First what goes: 50 tags may be there.
  if (remove.length > 0) await kms.untag(row.key_id, remove);
  if (set.length > 0) await kms.tag(row.key_id, Object.fromEntries(set));
}

/** The new alias first, then those go that it had before from here: the key is never without one in between. */
async function applyAlias(house: AwsHouse, row: KmsKey, kms: KmsKeys): Promise<Taken | undefined> {
  if (row.alias !== '') {
    const result = await giveAlias(kms, row);
    if (result.kind === 'taken') return result;
  }
  const theirs = await kms.aliases(row.key_id);
  const former = formerAliasesOf(row).filter((alias) => alias !== row.alias && theirs.includes(alias));
  for (const alias of former) await kms.deleteAlias(alias);
  const aliases = [...theirs.filter((alias) => !former.includes(alias)), row.alias].filter(
    (one) => one !== '',
  );
  return done(house, row, 'alias', { aliases: [...new Set(aliases)].toSorted() });
}

/** Values of ours that changed while AWS was given them stay to be applied. */
async function done(
  house: AwsHouse,
  row: KmsKey,
  what: Applied,
  given: Partial<SeenKey>,
): Promise<undefined> {
  await writeDone(
    house,
    row.id,
    (now): KmsKeyChange => {
      const seen = seenOf(now);
      const isSame = now[what] === row[what];
      return {
        ...settled,
        next_check_at: soonChecked(house.now()),
        ...(isSame ? { to_apply: JSON.stringify(toApplyOf(now).filter((one) => one !== what)) } : {}),
        ...(what === 'alias' && isSame ? { former_aliases: '[]', take_alias: 0 } : {}),
        ...(seen === null ? {} : { seen: JSON.stringify({ ...seen, ...given }) }),
      };
    },
    `${what}-applied`,
  );
}
