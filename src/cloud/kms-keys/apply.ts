import type { AwsError } from '../aws/aws-error.ts';
import type { KmsKeys } from '../aws/kms-keys.ts';
import type { AwsContext } from '../accounts/context.ts';
import { dropAlias, giveAlias, readsMayBeStale } from './alias.ts';
import {
  formerAliasesOf,
  seenOf,
  tagsOf,
  toApplyOf,
  type Applied,
  type KmsKey,
  type SeenKey,
} from './records.ts';
import { confirmed } from './unshown.ts';
import { settled, soonChecked, writeDone, written, type KmsKeyChange } from './writes.ts';

interface Taken {
  error: AwsError;
  keyArn: string | undefined;
}

/**
 * Gives AWS one of the values of ours that it is still to be given. Answers who has the alias where that is another key;
 * undefined where it is done. Throws AwsError.
 */
export async function applyOne(context: AwsContext, row: KmsKey, kms: KmsKeys): Promise<Taken | undefined> {
  const [what] = toApplyOf(row);
  switch (what) {
    case undefined:
      return undefined;
    case 'policy':
      await kms.putPolicy(row.key_id, row.policy);
      return done(context, row, what, { policy: row.policy });
    case 'description':
      await kms.describeAs(row.key_id, row.description);
      return done(context, row, what, { description: row.description });
    case 'tags':
      return done(context, row, what, { tags: tagsOf(row) }, await applyTags(context, kms, row));
    case 'alias':
      return applyAlias(context, row, kms);
  }
}

/** Ours over theirs: what is there besides goes, but for AWS's own. Answers those that it had in between. */
async function applyTags({ now }: AwsContext, kms: KmsKeys, row: KmsKey): Promise<Partial<SeenKey>> {
  const ours = tagsOf(row);
  const theirs = await kms.tags(row.key_id);
  // What we gave it just now may not show: then all of ours is given, and what it had from us goes by our own record.
  const isStale = readsMayBeStale(row, now());
  const had = { ...theirs, ...(isStale ? seenOf(row)?.tags : {}) };
  const set = Object.entries(ours).filter(([name, value]) => isStale || theirs[name] !== value);
  const remove = Object.keys(had).filter((name) => !Object.hasOwn(ours, name));
  // First what goes: 50 tags may be there.
  if (remove.length > 0) await kms.untag(row.key_id, remove);
  if (set.length > 0) await kms.tag(row.key_id, Object.fromEntries(set));
  return { tags: Object.fromEntries(Object.entries(had).filter(([name]) => !remove.includes(name))) };
}

/** The new alias first, then those go that it had before from here: the key is never without one in between. */
async function applyAlias(context: AwsContext, row: KmsKey, kms: KmsKeys): Promise<Taken | undefined> {
  if (row.alias !== '') {
    const result = await giveAlias(kms, row, context.now());
    if (result.kind === 'taken') return result;
  }
  const former = formerAliasesOf(row).filter((alias) => alias !== row.alias);
  for (const alias of former) await dropAlias(kms, alias, row, context.now());
  const known = seenOf(row)?.aliases ?? [];
  const aliases = [...known.filter((alias) => !former.includes(alias)), row.alias].filter(
    (one) => one !== '',
  );
  return done(context, row, 'alias', { aliases: [...new Set(aliases)].toSorted() });
}

/** Values of ours that changed while AWS was given them stay to be applied. */
async function done(
  context: AwsContext,
  row: KmsKey,
  what: Applied,
  given: Partial<SeenKey>,
  between: Partial<SeenKey> = {},
): Promise<undefined> {
  await writeDone(
    context,
    row.id,
    (now): KmsKeyChange => {
      const seen = seenOf(now);
      const isSame = now[what] === row[what];
      return {
        ...settled,
        ...written(context.now()),
        ...confirmed(now, given, context.now(), between),
        next_check_at: soonChecked(context.now()),
        ...(isSame ? { to_apply: JSON.stringify(toApplyOf(now).filter((one) => one !== what)) } : {}),
        ...(what === 'alias' && isSame ? { former_aliases: '[]', take_alias: 0 } : {}),
        ...(seen === null ? {} : { seen: JSON.stringify({ ...seen, ...given }) }),
      };
    },
    `${what}-applied`,
  );
}
