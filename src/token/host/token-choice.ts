import graphene from 'graphene-pk11';
import pkcs11js from 'pkcs11js';
import { attempt, CryptokiError, StartError, TokenMissedError } from './cryptoki-error.ts';
import type { TokenInfo } from '../token-info.ts';
import { knownRemediation } from '../remediations.ts';

/** Which token of the module's, and how to get into it. With nothing given: the only one that was initialised. */
export interface TokenChoice {
  /** CKA label of the token, padding removed. */
  label?: string | undefined;
  serial?: string | undefined;
  /** The module's number of the slot; it may change from one start to the next, so no node chooses by it. */
  slot?: number | undefined;
}

/** A slot that has a token, as the module tells of it. */
export interface SeenSlot {
  slot: graphene.Slot | undefined;
  /** The module's number of it. */
  number: number;
  info?: TokenInfo;
  /** CKF_…, of CK_TOKEN_INFO. */
  flags: number;
  /** Why nothing is known of its token. */
  unread?: CryptokiError;
}

/** All slots with a token. Throws CryptokiError where there is no list of them. */
export function readSlots(lib: pkcs11js.PKCS11): SeenSlot[] {
  const module = new graphene.Module(lib);
  return attempt('C_GetSlotList', () => lib.C_GetSlotList(true)).map((handle) => readSlot(module, handle));
}

function readSlot(module: graphene.Module, handle: pkcs11js.Handle): SeenSlot {
  const seen: SeenSlot = { slot: undefined, number: slotNumber(handle), flags: 0 };
  try {
    const slot = attempt('C_GetSlotInfo', () => new graphene.Slot(handle, module, module.lib));
    const token = attempt('C_GetTokenInfo', () => slot.getToken());
    return { ...seen, slot, info: toInfo(token, handle), flags: token.flags };
  } catch (error) {
    if (!(error instanceof CryptokiError)) throw error;
    return { ...seen, unread: error };
  }
}

/** A handle is the number, as the machine stores a CK_ULONG. */
function slotNumber(handle: pkcs11js.Handle): number {
  return handle.length === 8 ? Number(handle.readBigUInt64LE()) : handle.readUInt32LE();
}

/**
 * Finds the one token that is meant, never "the first slot". A slot that cannot be read, such as one with an unformatted
 * card or of an appliance that is down, is none of ours while another has the token. Throws StartError, TokenMissedError.
 */
export function chooseToken(
  seen: readonly SeenSlot[],
  choose: TokenChoice,
): { slot: graphene.Slot; info: TokenInfo } {
  const matches = seen.filter((one) => isMeant(one, choose));
  const [match, second] = matches;
  const shown = seen.flatMap((one, index) => words(one, index, seen.length) ?? []).join(', ');
  if (match?.slot === undefined || match.info === undefined)
    throw new TokenMissedError(
      `no token with ${wanted(choose)}`,
      [
        shown === '' ? 'the module shows no token at all' : `the module shows: ${shown}`,
        ...[knownRemediation(seen.find(({ unread }) => unread !== undefined)?.unread?.rv) ?? []].flat(),
      ].join('; '),
    );
  if (second !== undefined)
    throw new StartError(
      `more than one token with ${wanted(choose)}`,
      `name one by its serial; the module shows: ${shown}`,
    );
  return { slot: match.slot, info: match.info };
}

function isMeant({ info, number, flags }: SeenSlot, { label, serial, slot }: TokenChoice): boolean {
  if (info === undefined) return false;
  if (label === undefined && serial === undefined && slot === undefined)
    return (flags & pkcs11js.CKF_TOKEN_INITIALIZED) !== 0;
  return (
    (label === undefined || label === info.label) &&
    (serial === undefined || serial === info.serial) &&
    (slot === undefined || slot === number)
  );
}

function wanted({ label, serial, slot }: TokenChoice): string {
  const by = [
    label === undefined ? [] : [`label "${label}"`],
    serial === undefined ? [] : [`serial ${serial}`],
    slot === undefined ? [] : [`slot ${slot}`],
  ].flat();
  return by.length === 0 ? 'keys of its own (CKF_TOKEN_INITIALIZED)' : by.join(' and ');
}

/** Undefined for a token that has no name at all. */
function words({ info, unread }: SeenSlot, index: number, count: number): string | undefined {
  if (unread !== undefined) return `slot ${index + 1} of ${count}, which cannot be read: ${unread.said}`;
  const { label = '', serial = '' } = info ?? {};
  if (label === '' && serial === '') return undefined;
  return `"${label}" (serial ${serial === '' ? 'none' : serial})`;
}

/** Which token the slot has now. Throws CryptokiError. */
export function readTokenInfo(slot: graphene.Slot): TokenInfo {
  return toInfo(
    attempt('C_GetTokenInfo', () => slot.getToken()),
    slot.handle,
  );
}

function toInfo(token: graphene.Token, handle: pkcs11js.Handle): TokenInfo {
  const firmware = token.firmwareVersion;
  const slot = slotNumber(handle);
  return {
    label: trim(token.label),
    serial: trim(token.serialNumber),
    manufacturer: trim(token.manufacturerID),
    model: trim(token.model),
    firmware: `${firmware.major}.${firmware.minor}`,
    loginRequired: (token.flags & graphene.TokenFlag.LOGIN_REQUIRED) !== 0,
    slot: Number.isSafeInteger(slot) ? slot : null,
  };
}

/** Fixed-width fields are padded with blanks, by some modules with NUL. */
export function trim(text: string): string {
  // eslint-disable-next-line no-control-regex -- NUL is the very thing to remove
  return text.replace(/[\0 ]+$/u, '');
}
