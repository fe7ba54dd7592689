import { z } from 'zod';
import { hsmsShown } from '../fleet/hsms-shown.ts';
import type { RecordedToken } from '../token/own-key-proofs.ts';
import { time } from './keys/key-forms.ts';
import { ivModes, type AdminServices, type TokenFacts } from './services.ts';

export const shownIvs = z
  .strictObject({
    mode: z
      .enum(ivModes)
      .describe(
        'Who makes the IV, according to the profile. `caller`: Holdfast draws it with C_GenerateRandom of the token, and the token uses it ' +
          'as given. The others: the token makes it, in C_EncryptInit, in C_Encrypt, in either, or appended to the ciphertext.',
      ),
    bytes: z.int().describe('Length of the IV.'),
    random: z
      .boolean()
      .describe(
        'Whether all of each IV is drawn at random: always in mode `caller`, otherwise if the profile says so (`iv.random`). If not, the ' +
          'token may count its IVs.',
      ),
    provenAt: time
      .nullable()
      .describe(
        'When a token host proved the mode last. Each does before it serves: it encrypts three times, demands each IV at the step that ' +
          'the mode names, neither zero nor used before, and decrypts with it. Null if no host is up, or if the node’s supervisor ' +
          'does not report it.',
      ),
    mayRepeat: z
      .boolean()
      .describe(
        'Whether two encryptions with one key may have had the same IV: its keys were seen in several HSMs that may each count their IVs ' +
          '(finding TOKEN_IVS_MAY_REPEAT).',
      ),
  })
  .describe('How the IVs of AES-GCM are made. Every IV is checked again when it is used.');

/**
 * Serial numbers of the HSMs in which its keys are or were seen, where those may each count their IVs. What was encrypted under one
 * key by two of them can have an IV in common. Nodes may each have an HSM of their own, so that no configuration shows it.
 */
export async function hsmsThatCount(
  { store: { db } }: Pick<AdminServices, 'store'>,
  { name, drawsIvs }: TokenFacts,
  recorded: ReadonlyMap<string, Pick<RecordedToken, 'serials'>>,
): Promise<string[]> {
  if (drawsIvs) return [];
  return [...new Set([...(recorded.get(name)?.serials ?? []), ...(await hsmsShown(db, name))])].toSorted();
}

/** `members` as they are shown, `countedBy` what {@link hsmsThatCount} has found. */
export function showIvs(
  { iv: { mode, bytes }, drawsIvs }: TokenFacts,
  members: readonly { hosts: readonly { provenAt: string | null }[] | null }[],
  countedBy: readonly string[],
): z.infer<typeof shownIvs> {
  const proven = members.flatMap(({ hosts }) => (hosts ?? []).flatMap(({ provenAt }) => provenAt ?? []));
  return {
    ...{ mode, bytes, random: drawsIvs },
    provenAt: proven.toSorted().at(-1) ?? null,
    mayRepeat: countedBy.length > 1,
  };
}
