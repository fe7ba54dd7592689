import { Secret } from '../secret.ts';
import { ConfigError } from './problem.ts';

/**
 * The PIN in the bytes of a file or of what was typed; one line end after it is taken off. What cannot be a PIN, but would be
 * sent to the token as one, is refused: each wrong PIN costs a try, and tokens lock themselves. Throws {@link ConfigError}
 * without the content.
 */
export function pinIn(bytes: Uint8Array, where: string): Secret {
  const problem = problemOf(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  if (typeof problem === 'string')
    throw new ConfigError([`${where}: the PIN ${problem}; it is not tried at the token`]);
  return problem;
}

function problemOf(bytes: Buffer): string | Secret {
  const start = bytes.toString('latin1', 0, 3);
  if (start.startsWith('\u{ff}\u{fe}') || start.startsWith('\u{fe}\u{ff}'))
    return 'is in UTF-16: save it as plain text';
  if (start === '\u{ef}\u{bb}\u{bf}')
    return 'begins with a byte order mark, which would be a part of it: save it as UTF-8 without one';
  if (bytes.includes(0)) return 'has a NUL byte in it: it is no plain text, or is in UTF-16';
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return 'is not UTF-8';
  }
  const pin = text.replace(/\r?\n$/, '');
  if (pin === '') return 'is empty';
  if (/[\r\n]/.test(pin)) return 'has more than one line: leave one, with one line end at the most';
  return new Secret(pin);
}
