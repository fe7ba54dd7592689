import type { Schemas } from '../client/api-types.ts';
import { timeText } from '../output/said.ts';

const reasons: Readonly<Record<Schemas['CloudKeyVersion']['safeToDestroyReason'], string>> = {
  GONE: 'it is destroyed, or about to be',
  BEING_MADE: 'it is being generated',
  CURRENT: 'it encrypts',
  ADOPTED: 'it came with ciphertext',
  NEVER_ENCRYPTED: 'it never encrypted',
  MAY_HAVE_ENCRYPTED: 'ciphertext may need it',
};

/** When a version was used last, as far as that is known. */
export function lastUse(field: 'lastEncrypt' | 'lastDecrypt') {
  return (version: Schemas['CloudKeyVersion']): string => {
    // A node of an older version does not say.
    const use: Schemas['CloudKeyVersion'][typeof field] | undefined = version[field];
    if (use === undefined) return 'not told';
    if (use.known === 'NEVER') return 'never';
    return use.known === 'AT' ? use.at : `by ${timeText(use.at)}`;
  };
}

export function safeToDestroy(version: Partial<Schemas['CloudKeyVersion']>): string {
  const { safeToDestroy: isSafe, safeToDestroyReason: why } = version;
  if (isSafe === undefined || why === undefined) return 'not told';
  return `${isSafe ? 'yes' : 'no'}: ${reasons[why]}`;
}

/** What is known of the key object behind a version. */
export function keyObject({
  state,
  unfit,
  proven,
}: Pick<Schemas['CloudKeyVersion'], 'state' | 'unfit' | 'proven'>): string {
  if (state === 'DESTROYED') return '-';
  if (unfit !== null) return 'UNFIT: not the key on record';
  return proven ? 'proven' : 'not proven';
}
