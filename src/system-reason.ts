/** What the system said, for people: words and its own code. */
export interface SystemReason {
  code: string;
  words: string;
}

const words: Readonly<Record<string, string>> = {
  ENOSPC: 'no space is left on the device',
  EDQUOT: 'the quota of this user is used up',
  EFBIG: 'the file would be larger than is allowed',
  EROFS: 'the file system is read-only',
  EACCES: 'permission is denied',
  EPERM: 'it is not permitted',
  EIO: 'the device or terminal fails',
  EPIPE: 'whoever reads it has closed it',
  EBADF: 'it is closed',
  ENOENT: 'there is no such file or directory',
  ENOTDIR: 'a part of the path is no directory',
  EISDIR: 'it is a directory',
  EEXIST: 'it is there already',
  ELOOP: 'there are too many symbolic links',
  ENAMETOOLONG: 'the name is too long',
  EMFILE: 'this process has too many files open',
  ENFILE: 'the machine has too many files open',
};

/** Of an error of `node:fs` and the like; another error is told by its message. */
export function systemReason(error: unknown): SystemReason {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const said = words[code];
  if (said !== undefined) return { code, words: `${said} (${code})` };
  return { code, words: code === '' ? message : code };
}

/** Whether an error is the system's, about a file: then it is the machine's matter, no mistake of ours. */
export function isFileFailure(error: unknown): error is NodeJS.ErrnoException & { path: string } {
  const { code, path } = error as NodeJS.ErrnoException;
  return typeof path === 'string' && code !== undefined && code in words;
}
