/*
 * What our own encryptions are authenticated with: key proofs and sealed secrets. It begins with a length that no request
 * of AWS's can have together with so few bytes after it (`tokenAad`: len2 ‖ AAD ‖ …), and where the hashed form has the
 * length of the metadata, at most 20, there is a letter: so no encrypt request, whatever its AAD and metadata, makes a
 * ciphertext that passes for one of these, and none of these passes for a ciphertext of AWS's.
 */

/** `len2` of an AAD of 65,535 bytes; what follows is always shorter. */
const impossibleLength = Buffer.from([0xff, 0xff]);

/** The longest rest of such an AAD, bytes: far below what `len2` says. */
const maxRest = 8192;

/** Where the hashed form has `len1`: after len2 and a SHA-256. */
const hashedLengthAt = 34;

export type AadDomain = (rest: Uint8Array) => Buffer;

/** Throws RangeError for a name that does not keep the domain apart. */
export function aadDomain(name: string): AadDomain {
  const head = Buffer.concat([impossibleLength, Buffer.from(`${name}: `)]);
  if (head.length <= hashedLengthAt) throw new RangeError('the name of the domain is too short');
  return (rest) => {
    if (rest.length > maxRest) throw new RangeError('more than a domain takes');
    return Buffer.concat([head, rest]);
  };
}

/** Parts one after another, each with its length in front (u32, big-endian): no two lists give the same bytes. */
export function lengthPrefixed(parts: readonly (string | Uint8Array)[]): Buffer {
  return Buffer.concat(
    parts.flatMap((part) => {
      const bytes = typeof part === 'string' ? Buffer.from(part) : part;
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );
}
