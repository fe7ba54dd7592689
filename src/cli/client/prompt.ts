import { createInterface } from 'node:readline';
import { Secret } from '../../secret.ts';
import { CliError } from '../output/cli-error.ts';
import { readSecretFile } from './secret-file.ts';
import { ask, note } from '../output/streams.ts';

const forPins =
  'a PIN is to be asked for, but there is no terminal; use token.pin = { file = … } or { credential = … }';

/** Asks on the terminal without echo. Throws where there is no terminal: nothing is read from a pipe by accident. */
export async function askSecret(question: string, withoutTerminal = forPins): Promise<Secret> {
  const { stdin } = process;
  if (!stdin.isTTY) throw new CliError('usage', withoutTerminal);
  // Before the question, or an answer that comes at once is shown.
  stdin.setRawMode(true);
  ask(question);
  stdin.setEncoding('utf8');
  stdin.resume();
  return new Promise((resolve, reject) => {
    let text = '';
    const end = () => {
      stdin.setRawMode(false);
      stdin.pause();
      stdin.removeListener('data', onData);
      note('');
    };
    const onData = (chunk: string) => {
      for (const character of chunk) {
        if (character === '\r' || character === '\n') {
          end();
          resolve(new Secret(text));
          return;
        }
        if (character === '\u0003' || character === '\u0004') {
          end();
          reject(new CliError('usage', 'interrupted'));
          return;
        }
        // The last character, which may be two units of UTF-16.
        text = character === '\u007f' ? text.replace(/.$/su, '') : text + character;
      }
    };
    stdin.on('data', onData);
  });
}

/** Asks for a line on the terminal, seen while it is typed. */
export async function askLine(question: string, withoutTerminal: string): Promise<string> {
  const { stdin } = process;
  if (!stdin.isTTY) throw new CliError('usage', withoutTerminal);
  ask(question);
  const lines = createInterface({ input: stdin });
  return new Promise((resolve, reject) => {
    lines.once('close', () => reject(new CliError('usage', 'interrupted')));
    lines.once('line', (line) => {
      resolve(line.trim());
      lines.close();
    });
  });
}

/** Where a secret comes from: a closed file, `-` for the next line of standard input, or the terminal. */
export interface SecretSource {
  /** What it is, such as `password`. */
  what: string;
  /** The option that names the file, for the way out. */
  option: string;
  file: string | undefined;
}

export async function readSecret({ what, option, file }: SecretSource): Promise<Secret> {
  if (file === '-') return new Secret(await nextLine(what));
  if (file !== undefined) return readSecretFile(file, `the ${what} file`);
  return askSecret(
    `${what[0]?.toUpperCase() ?? ''}${what.slice(1)}: `,
    `the ${what} is to be asked for, but there is no terminal; use ${option} FILE, or "${option} -" for standard input`,
  );
}

/** A new password, from the terminal twice. */
export async function readNewPassword(file: string | undefined): Promise<Secret> {
  const source = { what: 'new password', option: '--new-password-file', file };
  const password = await readSecret(source);
  if (file !== undefined) return password;
  const again = await askSecret('New password again: ');
  if (again.reveal() !== password.reveal())
    throw new CliError('usage', 'the two are not the same; nothing was changed', 'repeat the command');
  return password;
}

/** Asks before what cannot be taken back. Throws where the answer is no, and without a terminal unless `yes`. */
export async function confirm(question: string, yes: boolean | undefined): Promise<void> {
  if (yes === true) return;
  const answer = await askLine(
    `${question} [y/N] `,
    `${question} There is no terminal to ask on; add --yes if so`,
  );
  if (!/^y(es)?$/i.test(answer)) throw new CliError('usage', 'not confirmed; nothing was done');
}

let rest = '';

/** The next line of standard input; several secrets come one after another, each when it is asked for. */
async function nextLine(what: string): Promise<string> {
  const { stdin } = process;
  stdin.setEncoding('utf8');
  while (!rest.includes('\n')) {
    const chunk = await nextChunk();
    if (chunk === undefined) {
      if (rest !== '') break;
      throw new CliError(
        'usage',
        `standard input has no line for the ${what}`,
        'one line for each, in order',
      );
    }
    rest += chunk;
    if (rest.length > 2 ** 16) throw new CliError('usage', 'standard input is too long for a few secrets');
  }
  const end = rest.includes('\n') ? rest.indexOf('\n') : rest.length;
  const line = rest.slice(0, end).replace(/\r$/, '');
  rest = rest.slice(end + 1);
  return line;
}

/** Undefined at the end. Let go of afterwards, so that an open pipe does not keep the command alive. */
async function nextChunk(): Promise<string | undefined> {
  const { stdin } = process;
  if (stdin.readableEnded) return undefined;
  // A file has no such thing to hold on to.
  const handle: { ref?: () => void; unref?: () => void } = stdin;
  handle.ref?.();
  return new Promise((resolve, reject) => {
    const done = (chunk?: string) => {
      stdin.pause();
      handle.unref?.();
      stdin.off('data', done).off('end', onEnd).off('error', reject);
      resolve(chunk);
    };
    const onEnd = () => done();
    stdin.on('data', done).on('end', onEnd).on('error', reject).resume();
  });
}
