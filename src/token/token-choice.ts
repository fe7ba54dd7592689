import graphene from 'graphene-pk11';
import { attempt, StartError } from './cryptoki-error.ts';

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

/** Finds the one token that is meant, never "the first slot". Throws StartError. */
export function chooseToken(
  module: graphene.Module,
  choose: TokenChoice,
): { slot: graphene.Slot; info: TokenInfo } {
  const slots = attempt('C_GetSlotList', () => module.getSlots(true));
  const seen: string[] = [];
  const matches: { slot: graphene.Slot; info: TokenInfo }[] = [];
  for (let i = 0; i < slots.length; i++) {
    const slot = slots.items(i);
    const token = attempt('C_GetTokenInfo', () => slot.getToken());
    const label = trim(token.label);
    const serial = trim(token.serialNumber);
    if (label !== '' || serial !== '') seen.push(`"${label}" (serial ${serial === '' ? 'none' : serial})`);
    if (choose.label !== undefined && choose.label !== label) continue;
    if (choose.serial !== undefined && choose.serial !== serial) continue;
    const firmware = token.firmwareVersion;
    matches.push({
      slot,
      info: {
        label,
        serial,
        manufacturer: trim(token.manufacturerID),
        model: trim(token.model),
        firmware: `${firmware.major}.${firmware.minor}`,
        loginRequired: (token.flags & graphene.TokenFlag.LOGIN_REQUIRED) !== 0,
      },
    });
  }
  const wanted = [
    choose.label === undefined ? [] : [`label "${choose.label}"`],
    choose.serial === undefined ? [] : [`serial ${choose.serial}`],
  ].flat();
  const [match, second] = matches;
  if (match === undefined)
    throw new StartError(
      `no token with ${wanted.join(' and ')}`,
      seen.length === 0 ? 'the module shows no token at all' : `the module shows: ${seen.join(', ')}`,
    );
  if (second !== undefined)
    throw new StartError(
      `more than one token with ${wanted.join(' and ')}`,
      `name one by its serial; the module shows: ${seen.join(', ')}`,
    );
  return match;
}

function trim(text: string): string {
  // Fixed-width fields are padded with blanks, by some modules with NUL.
  // eslint-disable-next-line no-control-regex -- NUL is the very thing to remove
  return text.replace(/[\0 ]+$/u, '');
}
