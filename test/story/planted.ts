import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** A secret that was found where it must not be. */
export interface Leak {
  secret: string;
  /** Such as `clear` or `Base64`. */
  form: string;
  where: string;
}

/** Secrets that are looked for afterwards, in every form in which they could have been written down. */
export class Planted {
  readonly #forms: { secret: string; form: string; text: string }[] = [];
  readonly #known = new Set<string>();

  /** `value` is looked for from now on under this name. Too short a one would be found by chance. */
  add(secret: string, value: string): void {
    if (value.length < 16) throw new Error(`${secret} is too short to be looked for`);
    if (this.#known.has(value)) return;
    this.#known.add(value);
    for (const [form, text] of Object.entries(formsOf(value))) this.#forms.push({ secret, form, text });
  }

  get count(): number {
    return this.#known.size;
  }

  find(where: string, content: string | Buffer): Leak[] {
    const text = typeof content === 'string' ? content : content.toString('latin1');
    return this.#forms
      .filter((form) => text.includes(form.text))
      .map(({ secret, form }) => ({ secret, form, where }));
  }
}

function formsOf(value: string): Record<string, string> {
  const bytes = Buffer.from(value);
  const escaped = encodeURIComponent(value);
  return {
    clear: value,
    'in JSON': JSON.stringify(value).slice(1, -1),
    'URL-encoded': escaped,
    'URL-encoded, small': escaped.replaceAll(/%../g, (code) => code.toLowerCase()),
    hex: bytes.toString('hex'),
    HEX: bytes.toString('hex').toUpperCase(),
    ...Object.fromEntries(
      [0, 1, 2].flatMap((before) => {
        const text = insideBase64(bytes, before);
        return [
          [`Base64 after ${before}`, text],
          [`Base64 for URLs after ${before}`, text.replaceAll('+', '-').replaceAll('/', '_')],
        ];
      }),
    ),
  };
}

/** What is the same in Base64 whatever stands before and after, where a number of bytes stands before, modulo three. */
function insideBase64(bytes: Buffer, before: number): string {
  const whole = Buffer.concat([Buffer.alloc(before), bytes]);
  const text = whole.toString('base64').replace(/=+$/, '');
  const spoiltAtEnd = whole.length % 3 === 0 ? 0 : 1;
  return text.slice(Math.ceil((before * 8) / 6), text.length - spoiltAtEnd);
}

/** Every file below a directory. */
export function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
}

/** What every user of the machine sees of a process, and what its own user does; '' once it is gone. */
export function seenOfProcess(pid: number): string {
  return ['cmdline', 'environ', 'comm']
    .map((name) => {
      try {
        return readFileSync(`/proc/${pid}/${name}`, 'latin1');
      } catch {
        return '';
      }
    })
    .join('\0');
}
