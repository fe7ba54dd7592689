/*
 * The words of the XKS API as types: parsed once where they come in, trusted afterwards. Errors never quote the input.
 */

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** ≤ 128 of A-Z a-z 0-9 - . _ (XKS spec, API operations). */
export type ExternalKeyId = Branded<'ExternalKeyId'>;
/** Between the slashes before /kms/xks/v1; '' for none. */
export type PathPrefix = Branded<'PathPrefix'>;
/** 20 to 30 of A-Z 2-7 where we make it (XKS spec, Appendix A). */
export type AccessKeyId = Branded<'AccessKeyId'>;

/** Every XKS URI path goes through here. */
export const xksPath = '/kms/xks/v1';

export class NameError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'NameError';
  }
}

export function isExternalKeyId(text: string): text is ExternalKeyId {
  // "." and ".." would be resolved away by URI normalisation on the way here.
  return /^[A-Za-z0-9._-]{1,128}$/.test(text) && text !== '.' && text !== '..';
}

export function parseExternalKeyId(text: string): ExternalKeyId {
  if (!isExternalKeyId(text))
    throw new NameError('an external key id has 1 to 128 characters of A-Z, a-z, 0-9, "-", "." and "_"');
  return text;
}

/** Takes the prefix with or without slashes around it. The whole XksProxyUriPath has at most 128 characters. */
export function parsePathPrefix(text: string): PathPrefix {
  const prefix = text.replace(/^\/+|\/+$/g, '');
  if (prefix === '') return prefix as PathPrefix;
  if (!/^[A-Za-z0-9_-]+(\/[A-Za-z0-9_-]+)*$/.test(prefix))
    throw new NameError(
      'a path prefix has segments of A-Z, a-z, 0-9, "-" and "_", separated by single slashes',
    );
  if (prefix.length + xksPath.length + 1 > 128)
    throw new NameError('a path prefix has at most 116 characters: AWS takes 128 with "/" and "/kms/xks/v1"');
  if (prefix.includes('kms/xks/v1'))
    throw new NameError('a path prefix does not contain "kms/xks/v1" itself');
  return prefix as PathPrefix;
}

/** `XksProxyUriPath` of the prefix, as AWS's console takes it. */
export function xksUriPath(prefix: string): string {
  return prefix === '' ? xksPath : `/${prefix}${xksPath}`;
}

/** Names of key sets and CloudKeys: what AWS takes as an alias too, so that a key may be called the same there. */
export function parseName(text: string): string {
  if (!/^[A-Za-z0-9_/-]{1,250}$/.test(text))
    throw new NameError('a name has 1 to 250 characters of A-Z, a-z, 0-9, "_", "-" and "/"');
  return text;
}

/**
 * What a person reads as text and nothing else: no character that is not seen (controls, bidirectional marks, zero widths,
 * fillers, variation selectors, all of them Default_Ignorable_Code_Point or of category C), none that is blank and no
 * space, and no mark that nothing comes before (Unicode, UAX #44 and UTR #36).
 */
const unreadable = /[\p{C}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}\u2800]|(?! )\p{Zs}|^\p{M}| {2}/u;

/**
 * A name as people write it, in any script, in the one form that looks so (NFC): two names that look the same are the same.
 * Throws NameError, which says `what` it is about.
 */
export function parseReadableName(text: string, what: string, max: number): string {
  const name = text.normalize('NFC');
  if (name === '' || name.length > max || name.trim() !== name || unreadable.test(name))
    throw new NameError(
      `${what} has 1 to ${max} characters that can be seen, single spaces between them and none around them`,
    );
  return name;
}

/** Names of what AWS never sees, such as CSP accounts: words with spaces, in any script. */
export function parseTitle(text: string): string {
  return parseReadableName(text, 'a name', 120);
}

/** A terminal or a log would obey control characters; bidirectional marks have a reader see another order than there is. */
export function isPlainText(text: string): boolean {
  return !/[^\P{Cc}\n\t]|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]|[\p{Zl}\p{Zp}]/u.test(text);
}

/** The text with a question mark for each character that {@link isPlainText} refuses, and for line feeds and tabs: on one line. */
export function toPlainLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\p{Zl}\p{Zp}]/gu, '?');
}

export function parseDescription(text: string): string {
  if (text.length > 300) throw new NameError('a description has at most 300 characters');
  if (!isPlainText(text))
    throw new NameError(
      'a description has no control characters but line feeds and tabs, and no bidirectional marks',
    );
  return text;
}
