import type { Cryptoki } from './cryptoki.ts';
import { attempt, CryptokiError } from './cryptoki-error.ts';
import { reactionTo } from './reactions.ts';

/**
 * What the token tells of these attributes of an object, in one call where it can be: on a network HSM each is a round
 * trip. One that the module does not tell is not in the result. Throws CryptokiError.
 */
export function readAttributes(
  cryptoki: Cryptoki,
  handle: Buffer,
  types: readonly number[],
): Map<number, Buffer> {
  try {
    return read(cryptoki, handle, types);
  } catch (error) {
    if (!isNotTold(error)) throw error;
  }
  // Where one of several is unknown to a module, C_GetAttributeValue fails for all.
  const told = new Map<number, Buffer>();
  for (const type of types) {
    try {
      for (const [known, value] of read(cryptoki, handle, [type])) told.set(known, value);
    } catch (error) {
      if (!isNotTold(error)) throw error;
    }
  }
  return told;
}

function read({ lib, session }: Cryptoki, handle: Buffer, types: readonly number[]): Map<number, Buffer> {
  const attributes = attempt('C_GetAttributeValue', () =>
    lib.C_GetAttributeValue(
      session.handle,
      handle,
      types.map((type) => ({ type })),
    ),
  );
  return new Map(
    attributes.flatMap(({ type, value }) => (Buffer.isBuffer(value) ? [[type, value] as const] : [])),
  );
}

/** The module does not tell this attribute; any other failure says nothing about the object. */
function isNotTold(error: unknown): boolean {
  return (
    error instanceof CryptokiError && error.rv !== undefined && reactionTo(error.call, error.rv) === 'refused'
  );
}
