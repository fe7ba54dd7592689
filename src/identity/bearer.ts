import { createHash, createHmac, randomBytes } from 'node:crypto';
import { Secret } from '../secret.ts';

/*
 * Tokens that clients show: of sessions `hfs_<256 bits>`, of API keys `hfk_<id>_<256 bits>`, so that a scanner finds
 * one that leaked. The store has their SHA-256 alone, which is enough for random secrets of this length.
 */

const sessionForm = /^hfs_[A-Za-z0-9_-]{43}$/;
const apiKeyForm = /^hfk_([A-Za-z0-9_-]{22})_[A-Za-z0-9_-]{43}$/;

export function mintSessionToken(): Secret {
  return new Secret(`hfs_${randomBytes(32).toString('base64url')}`);
}

export function isSessionToken(text: string): boolean {
  return sessionForm.test(text);
}

export function mintApiKey(id: string): Secret {
  const shortId = Buffer.from(id.replaceAll('-', ''), 'hex').toString('base64url');
  return new Secret(`hfk_${shortId}_${randomBytes(32).toString('base64url')}`);
}

/** Id of the API key that a text claims to be; undefined where it is none. */
export function apiKeyIdOf(text: string): string | undefined {
  const shortId = apiKeyForm.exec(text)?.[1];
  if (shortId === undefined) return undefined;
  const hex = Buffer.from(shortId, 'base64url').toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

export function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/**
 * The CSRF token of a session in a cookie: made of the session's token, which no script of another origin can read, so
 * that a page that was loaded again can be given it again.
 */
export function csrfTokenOf(sessionToken: string): Secret {
  return new Secret(createHmac('sha256', sessionToken).update('holdfast csrf token').digest('base64url'));
}

/** Cookie of a browser's session; the prefix has browsers keep it to this host, over TLS, for all paths (RFC 6265bis). */
export const sessionCookie = '__Host-holdfast-session';
