import type { KmsKeys } from '../aws/kms-keys.ts';
import type { Step, Turn } from '../controller/resource.ts';
import { dropAlias, giveAlias, readsMayBeStale } from './alias.ts';
import { done, soonChecked, written } from './changes.ts';
import { kmsOf } from './connection.ts';
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

/** What AWS has of it then, and what it had in between. */
interface Given {
  given: Partial<SeenKey>;
  between?: Partial<SeenKey>;
}

const giving: Readonly<Record<Applied, (kms: KmsKeys, row: KmsKey, now: Date) => Promise<Given>>> = {
  policy: async (kms, { key_id, policy }) => {
    await kms.putPolicy(key_id, policy);
    return { given: { policy } };
  },
  description: async (kms, { key_id, description }) => {
    await kms.describeAs(key_id, description);
    return { given: { description } };
  },
  tags: giveTags,
  alias: giveAliases,
};

/** Gives AWS one of the values of ours that it is still to be given. */
export function applyStep({ context }: Turn, row: KmsKey, what: Applied): Step<'kms_keys', KmsKey> {
  return {
    operation: 'UpdateKey',
    changes: true,
    call: async () => {
      const { given, between } = await giving[what](await kmsOf(context, row), row, context.now());
      return (now) => {
        const at = context.now();
        const seen = seenOf(now);
        // Values of ours that changed while AWS was given them stay to be applied.
        const isSame = now[what] === row[what];
        return done(`${what}-applied`, now, {
          ...written(at),
          ...confirmed(now, given, at, between),
          next_check_at: soonChecked(at),
          ...(isSame ? { to_apply: JSON.stringify(toApplyOf(now).filter((one) => one !== what)) } : {}),
          ...(what === 'alias' && isSame ? { former_aliases: '[]', take_alias: 0 } : {}),
          ...(seen === null ? {} : { seen: JSON.stringify({ ...seen, ...given }) }),
        });
      };
    },
  };
}

/** Ours over theirs: what is there besides goes, but for AWS's own. */
async function giveTags(kms: KmsKeys, row: KmsKey, now: Date): Promise<Given> {
  const ours = tagsOf(row);
  const theirs = await kms.tags(row.key_id);
  // What we gave it just now may not show: then all of ours is given, and what it had from us goes by our own record.
  const isStale = readsMayBeStale(row, now);
  const had = { ...theirs, ...(isStale ? seenOf(row)?.tags : {}) };
  const set = Object.entries(ours).filter(([name, value]) => isStale || theirs[name] !== value);
  const remove = Object.keys(had).filter((name) => !Object.hasOwn(ours, name));
  // First what goes: 50 tags may be there.
  if (remove.length > 0) await kms.untag(row.key_id, remove);
  if (set.length > 0) await kms.tag(row.key_id, Object.fromEntries(set));
  const kept = Object.fromEntries(Object.entries(had).filter(([name]) => !remove.includes(name)));
  return { given: { tags: ours }, between: { tags: kept } };
}

/** The new alias first, then those go that it had before from here: the key is never without one in between. */
async function giveAliases(kms: KmsKeys, row: KmsKey, now: Date): Promise<Given> {
  if (row.alias !== '') await giveAlias(kms, row, now);
  const former = formerAliasesOf(row).filter((alias) => alias !== row.alias);
  for (const alias of former) await dropAlias(kms, alias, row, now);
  const known = seenOf(row)?.aliases ?? [];
  const aliases = [...known.filter((alias) => !former.includes(alias)), row.alias].filter(
    (one) => one !== '',
  );
  return { given: { aliases: [...new Set(aliases)].toSorted() } };
}
