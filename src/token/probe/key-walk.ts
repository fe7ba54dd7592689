import { triedNames } from '../host/serving-sizes.ts';
import { findOmissions, judgeMade } from './attribute-walk.ts';
import { toProfile } from './draft-profile.ts';
import { ProbeFailure } from './probe-child.ts';
import { no, type Walked } from './walked.ts';
import { counted } from '../../counted.ts';

export async function askKeyMaking(probe: Walked): Promise<void> {
  const { omit, refusals, made, refused } = await findOmissions(async (without) =>
    probe.ask('make', { omit: without }),
  );
  if (made === undefined)
    throw no(
      `the token makes no key: ${refused?.problem ?? ''}`,
      refused?.remediation ?? 'see the module’s own log',
    );
  const { draft } = probe;
  draft.omit = omit;
  draft.seen['keys.omit'] =
    omit.length === 0
      ? 'C_GenerateKey takes the whole template'
      : refusals.map(({ attribute, why }) => `with ${attribute} ${why}`).join('; ');
  probe.tell(
    'key-making',
    'ok',
    omit.length === 0
      ? 'an AES-256 key was made with all of our attributes'
      : `an AES-256 key was made without ${omit.join(', ')}: ${draft.seen['keys.omit']}`,
  );
  if (made.undestroyed !== undefined)
    probe.tell(
      'destruction',
      'no',
      `C_DestroyObject: ${made.undestroyed}`,
      'a CloudKey has to be destroyable; let the token’s policy allow it to the user',
    );
  const { notTold, unfit } = judgeMade(made);
  draft.notTold = notTold;
  draft.seen['keys.not_told'] =
    notTold.length === 0
      ? 'every attribute is read back as it was asked for'
      : `not read back for true of a key made just now: ${notTold.join(', ')}`;
  if (unfit.length > 0)
    throw no(
      `a key that was made as sensitive and not extractable is neither by the token’s word: ${unfit.join('; ')}`,
      'the token’s policy has to allow keys that never leave it; Holdfast keeps no others',
    );
  const isOfSafety = notTold.some(
    (name) => !['CKA_LOCAL', 'CKA_ALWAYS_SENSITIVE', 'CKA_NEVER_EXTRACTABLE'].includes(name),
  );
  probe.tell(
    'attributes',
    notTold.length === 0 ? 'ok' : 'note',
    notTold.length === 0
      ? 'sensitive, not extractable, neither wraps nor derives, made in the token: all read back so; CKA_VALUE is not told'
      : `not told for true: ${notTold.join(', ')}; all others are read back as asked, and CKA_VALUE is not told`,
    isOfSafety ? 'have the vendor confirm in writing what the token does not tell' : undefined,
  );
}

export async function askNames(probe: Walked): Promise<void> {
  const profile = toProfile(probe.draft);
  try {
    await probe.ask('names', { profile });
  } catch (error) {
    if (!(error instanceof ProbeFailure) || error.how !== 'refused') throw error;
    const { id, label } = await probe.ask('longestNames', { profile });
    throw no(
      `${error.told.problem}; the longest id that it takes has ${id} bytes, the longest label ${label}`,
      error.told.remediation,
    );
  }
  const { maxIdLength, maxLabelLength } = triedNames;
  probe.tell(
    'names',
    'ok',
    `ids of ${maxIdLength.length} and labels of ${maxLabelLength.length} bytes are kept whole`,
  );
}

export async function askSearch(probe: Walked, id: string): Promise<void> {
  const { byId, byLabel, all, milliseconds } = await probe.ask('search', {
    profile: toProfile(probe.draft),
    id,
  });
  if (byId !== 1)
    throw no(
      `a search by CKA_ID finds ${counted(byId, 'key')} where one was made`,
      byId === 0
        ? 'the token does not find keys by id, or hides them from this user'
        : 'Holdfast uses no key whose id is not its own',
    );
  const found = `found by id and by label, among ${all} AES keys in ${milliseconds.toFixed(1)} ms`;
  if (byLabel === 0 || all === 0)
    probe.tell(
      'search',
      'note',
      `found by id; by label ${byLabel}, in all ${all}`,
      'reconcile and adoption search by label and through all keys',
    );
  else probe.tell('search', milliseconds > 1_000 ? 'note' : 'ok', found);
}
