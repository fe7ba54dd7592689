import { secretLines } from './changed.ts';
import { CliError } from '../output/cli-error.ts';
import { printChanged, type OutputOptions } from '../output/output.ts';
import { showSecret, withNewSecretFile, type Made } from '../client/secret-file.ts';

export interface FirstPasswordInput {
  firstPasswordFile?: string;
}

/** Somebody who was given a first password, or has none. */
interface Delivered {
  firstPassword?: string;
  mailed: boolean;
  signIn?: string;
}

export const firstPasswordOption = [
  '--first-password-file <file>',
  'write the first password here, mode 0600, instead of showing it (if mail is not set up)',
] as const;

/**
 * Prints what was made, with the first password of a person where no mail could carry it. Throws CliError where it was
 * to come and did not: a repetition after a lost connection is answered without it.
 */
export async function printWithFirstPassword<T extends Delivered>(
  make: () => Promise<T>,
  { firstPasswordFile: file }: FirstPasswordInput,
  options: OutputOptions,
  otherPassword: (made: T) => string,
  done: (made: T) => string,
): Promise<void> {
  const check = (made: T): T => {
    // Who signs in by single sign-on alone has none.
    if (made.firstPassword === undefined && !made.mailed && made.signIn !== 'oidc')
      throw new CliError(
        'unreachable',
        'it was made, but the first password was lost with the connection',
        otherPassword(made),
      );
    return made;
  };
  const madeOf = (made: T): Made => ({ what: 'the first password', undo: otherPassword(made) });
  if (file === undefined) {
    const made = check(await make());
    const { firstPassword } = made;
    showSecret(madeOf(made), () =>
      printChanged(
        [sentenceOf(made, done), ...(firstPassword === undefined ? [] : secretLines({ firstPassword }))],
        made,
        options,
      ),
    );
    return;
  }
  await withNewSecretFile(file, async (write) => {
    const made = check(await make());
    const { firstPassword, ...rest } = made;
    write(firstPassword === undefined ? '' : `${firstPassword}\n`, madeOf(made));
    printChanged(
      sentenceOf(made, done, firstPassword === undefined ? undefined : file),
      firstPassword === undefined ? rest : { ...rest, firstPasswordFile: file },
      options,
    );
  });
}

function sentenceOf<T extends Delivered>(made: T, done: (made: T) => string, file?: string): string {
  const where =
    file === undefined
      ? made.mailed
        ? 'The first password goes there by mail.'
        : made.signIn === 'oidc'
          ? 'They sign in by single sign-on.'
          : 'The first password is shown this once:'
      : `The first password is in ${file}.`;
  return `${done(made)}. ${where}`;
}
