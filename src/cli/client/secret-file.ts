import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { openingOf } from '../../closed-file.ts';
import { Secret } from '../../secret.ts';
import { CliError } from '../output/cli-error.ts';
import { FileOutputError, ReservedFile } from './reserved-file.ts';
import { flush, note, OutputError } from '../output/streams.ts';

/** The secret in a file that is closed to group and others; one line end after it is taken off. */
export function readSecretFile(file: string, what: string): Secret {
  const text = readClosedFile(file, what).replace(/\r?\n$/, '');
  // What a command that failed, or is not installed, leaves behind a `>`.
  if (text === '')
    throw new CliError(
      'configuration',
      `${what} ${file}: is empty`,
      'whatever was to write it has failed: see what it said',
    );
  return new Secret(text);
}

/** The text of a file that nobody but its owner can read or change; its owner is who runs this, or root. */
export function readClosedFile(file: string, what: string): string {
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NOCTTY);
  } catch (error) {
    throw new CliError(
      'configuration',
      `${what} ${file}: cannot be read (${(error as NodeJS.ErrnoException).code ?? ''})`,
    );
  }
  try {
    const stat = fstatSync(descriptor);
    const { uid, size } = stat;
    const opening = openingOf(file, stat);
    if (opening !== undefined)
      throw new CliError('configuration', `${what} ${file}: ${opening.problem}`, opening.remediation);
    if (uid !== 0 && uid !== process.getuid?.())
      throw new CliError('configuration', `${what} ${file}: belongs to another user`, 'a file of your own');
    if (size > 2 ** 20) throw new CliError('configuration', `${what} ${file}: is too large to be that`);
    if (stat.isDirectory()) throw new CliError('configuration', `${what} ${file}: is a directory`);
    return readFileSync(descriptor, 'utf8');
  } finally {
    closeSync(descriptor);
  }
}

/** What was made with a secret that is shown this once. */
export interface Made {
  /** Such as `the credential AKID…`. */
  what: string;
  /** What to do where the secret is lost: the command that takes back what was made, or makes another secret. */
  undo: string;
}

/**
 * Makes a new file of mode 0600, with room on the disk, for a secret that will be shown once, before it is made: a file that
 * cannot be written is told while nothing is lost yet. Never writes over another file; takes it away where `run` puts
 * nothing in. Throws CliError that names what was made where its secret cannot be written after all.
 */
export async function withNewSecretFile<T>(
  file: string,
  run: (write: (text: string, made: Made) => void) => Promise<T>,
): Promise<T> {
  const reserved = ReservedFile.make(file);
  try {
    return await run((text, made) => showSecret(made, () => reserved.fill(text)));
  } catch (error) {
    if (reserved.isFilled) note(`holdfast: done: the secret is in ${file}; but then:`);
    throw error;
  } finally {
    reserved.close();
  }
}

/** Shows a secret, that is at rest nowhere. Throws CliError that names what was made where it cannot be shown. */
export function showSecret({ what, undo }: Made, show: () => void): void {
  try {
    show();
    flush();
  } catch (error) {
    if (!(error instanceof OutputError || error instanceof FileOutputError)) throw error;
    throw new CliError('output', `${what} was made, but its secret is lost: ${error.message}`, undo, error);
  }
}
