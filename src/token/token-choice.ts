import graphene from 'graphene-pk11';
import { attempt, CryptokiError, StartError } from './cryptoki-error.ts';
import { ckrName } from './faults.ts';
import { knownWayOut } from './ways-out.ts';

/** Which token of the module's, and how to get into it. */
export interface TokenChoice {
  /** CKA label of the token, padding removed. */
  label?: string | undefined;
  serial?: string | undefined;
}

export interface TokenInfo {
  label: string;
  serial: string;
  manufacturer: string;
  model: string;
  firmware: string;
  loginRequired: boolean;
}

type Found = { slot: graphene.Slot; info: TokenInfo };

/**
 * Finds the one token that is meant, never "the first slot". A slot that cannot be read, such as one with an unformatted
 * card or of an appliance that is down, is none of ours while another has the token. Throws StartError.
 */
export function chooseToken(module: graphene.Module, choose: TokenChoice): Found {
  const slots = attempt('C_GetSlotList', () => module.getSlots(true));
  const seen: string[] = [];
  const matches: Found[] = [];
  let unread: CryptokiError | undefined;
  for (let i = 0; i < slots.length; i++) {
    let found: Found;
    try {
      found = readSlot(slots, i);
    } catch (error) {
      if (!(error instanceof CryptokiError)) throw error;
      unread ??= error;
      const why = error.rv === undefined ? '' : ` (${ckrName(error.rv)})`;
      seen.push(`slot ${i + 1} of ${slots.length}, which cannot be read: ${error.call} failed${why}`);
      continue;
    }
    const { label, serial } = found.info;
    if (label !== '' || serial !== '') seen.push(`"${label}" (serial ${serial === '' ? 'none' : serial})`);
    if (choose.label !== undefined && choose.label !== label) continue;
    if (choose.serial !== undefined && choose.serial !== serial) continue;
    matches.push(found);
  }
  const wanted = [
    choose.label === undefined ? [] : [`label "${choose.label}"`],
    choose.serial === undefined ? [] : [`serial ${choose.serial}`],
  ].flat();
  const [match, second] = matches;
  if (match === undefined)
    throw new StartError(
      `no token with ${wanted.join(' and ')}`,
      [
        seen.length === 0 ? 'the module shows no token at all' : `the module shows: ${seen.join(', ')}`,
        ...[knownWayOut(unread?.rv) ?? []].flat(),
      ].join('; '),
    );
  if (second !== undefined)
    throw new StartError(
      `more than one token with ${wanted.join(' and ')}`,
      `name one by its serial; the module shows: ${seen.join(', ')}`,
    );
  return match;
}

function readSlot(slots: graphene.SlotCollection, index: number): Found {
  const slot = attempt('C_GetSlotInfo', () => slots.items(index));
  return { slot, info: readTokenInfo(slot) };
}

/** Which token the slot has now. Throws CryptokiError. */
export function readTokenInfo(slot: graphene.Slot): TokenInfo {
  const token = attempt('C_GetTokenInfo', () => slot.getToken());
  const firmware = token.firmwareVersion;
  return {
    label: trim(token.label),
    serial: trim(token.serialNumber),
    manufacturer: trim(token.manufacturerID),
    model: trim(token.model),
    firmware: `${firmware.major}.${firmware.minor}`,
    loginRequired: (token.flags & graphene.TokenFlag.LOGIN_REQUIRED) !== 0,
  };
}

function trim(text: string): string {
  // Fixed-width fields are padded with blanks, by some modules with NUL.
  // eslint-disable-next-line no-control-regex -- NUL is the very thing to remove
  return text.replace(/[\0 ]+$/u, '');
}
