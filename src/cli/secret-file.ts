import { closeSync, constants, fstatSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { openingOf } from '../closed-file.ts';
import { Secret } from '../secret.ts';
import { CliError, onFailure } from './cli-error.ts';

/** The secret in a file that is closed to group and others; one line end after it is taken off. */
export function readSecretFile(file: string, what: string): Secret {
  return new Secret(readClosedFile(file, what).replace(/\r?\n$/, ''));
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
      throw new CliError('configuration', `${what} ${file}: ${opening.problem}`, opening.wayOut);
    if (uid !== 0 && uid !== process.getuid?.())
      throw new CliError('configuration', `${what} ${file}: belongs to another user`, 'a file of your own');
    if (size > 2 ** 20) throw new CliError('configuration', `${what} ${file}: is too large to be that`);
    return readFileSync(descriptor, 'utf8');
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Opens a new file of mode 0600 for a secret that will be shown once, before it is made: a file that cannot be written
 * is told while nothing is lost yet. Never writes over another file; takes the empty one away where `run` fails.
 */
export async function withNewSecretFile<T>(
  file: string,
  run: (write: (text: string) => void) => Promise<T>,
): Promise<T> {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'wx', 0o600);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw code === 'EEXIST'
      ? new CliError('conflict', `${file} exists already`, 'name another file, or remove it')
      : new CliError('configuration', `${file}: cannot be written (${code ?? ''})`);
  }
  let written = false;
  try {
    return await onFailure(
      async () =>
        run((text) => {
          writeFileSync(descriptor, text);
          written = true;
        }),
      () => {
        if (!written) rmSync(file, { force: true });
      },
    );
  } finally {
    closeSync(descriptor);
  }
}
