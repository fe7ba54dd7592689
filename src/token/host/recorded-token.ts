import type { TokenInfo } from '../token-info.ts';
import type { TokenOnRecord } from '../own-key-proofs.ts';
import { remediationOfNoRecord, remediationOfOtherToken } from '../own-keys.ts';
import { StartError } from './cryptoki-error.ts';
import type { OwnKeyGuard } from './keys/own-key-proofs.ts';

/**
 * Whether this token is the one that the store means. Another one lacks the keys of its CloudKeys, and a node that took it for
 * the right one would tell them to be missing, and keys to be destroyed that are there still. A token of a serial number on
 * record that lacks the sealing key serves: each CloudKey is proven for itself, and an alarm tells what is wrong. Nothing is
 * made, destroyed or missed in it ({@link isManaging}). Throws StartError, CryptokiError, TokenError.
 */
export function assertOnRecord(
  { label, serial }: TokenInfo,
  own: Pick<OwnKeyGuard, 'whyNotOurs'>,
  recorded: TokenOnRecord | undefined,
  prepare: boolean,
): void {
  if (recorded === undefined) return;
  const token = `token "${label}" (serial ${serial})`;
  if (recorded === 'none') {
    if (prepare) return;
    throw new StartError(`the store has nothing on record of ${token}`, remediationOfNoRecord);
  }
  const why = own.whyNotOurs();
  if (why === undefined) return;
  const { serials } = recorded;
  // To make its keys anew is to give up what they were for: never without a word.
  if (!prepare && serials.includes(serial)) return;
  throw new StartError(
    `${token} does not hold the keys that the store has on record of this token, of serial ${serials.join(' or ')}: ${why}`,
    remediationOfOtherToken,
  );
}
