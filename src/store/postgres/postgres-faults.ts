import { DatabaseError } from 'pg';
import { CommitInDoubt, CommitNotCertain } from './commit-errors.ts';
import { poolerRemediation, refusedBySomePooler } from './direct.ts';
import { codeOf, StoreError, type StoreFault } from '../store-error.ts';

/*
 * What PostgreSQL and the way to it say, in the words of the store (postgresql.org/docs/current/errcodes-appendix.html). An
 * error that is about one statement, such as a constraint, stays as it is.
 */

type Words = readonly [fault: StoreFault, problem: string, remediation: string];

const startingUp: Words = [
  'unreachable',
  'the database server is starting, stopping or recovering',
  'it is asked again automatically; if that lasts, see its log',
];

/** By SQLSTATE; a whole class by its first two characters. */
const bySqlState: Readonly<Record<string, Words>> = {
  '08': [
    'unreachable',
    'the connection to the database was lost',
    'see the network, and the log of the server',
  ],
  '28P01': [
    'not-permitted',
    'the database server refuses the password of the role',
    'see store.user and password_file; the role’s password is set with ALTER ROLE … PASSWORD',
  ],
  '28': [
    'not-permitted',
    'the database server does not let the role in',
    'see pg_hba.conf of the server, and store.user, database and client_certificate',
  ],
  '3D000': [
    'missing',
    'the server has no database of this name',
    'see store.database; a new one is made with: CREATE DATABASE … OWNER … ENCODING UTF8 TEMPLATE template0',
  ],
  '42501': [
    'not-permitted',
    'the role may not do in the database what Holdfast does',
    'it has to own the database: ALTER DATABASE … OWNER TO …',
  ],
  '53100': ['full', 'the disk of the database server is full', 'make room on it'],
  '53300': [
    'unreachable',
    'the database server has no connection left for the role',
    'raise max_connections or the role’s CONNECTION LIMIT',
  ],
  '53': ['unreachable', 'the database server lacks resources', 'see its log'],
  '55P03': [
    'locked',
    'another transaction has held the write lock of the store for too long',
    'see which with pg_locks and pg_stat_activity; if a program hangs in it, pg_terminate_backend ends it',
  ],
  '57014': ['locked', 'the database did not answer a statement in time', 'see its load and its log'],
  '57P01': startingUp,
  '57P02': startingUp,
  '57P03': startingUp,
  '57P05': ['unreachable', 'the database server has ended the session', 'see its log'],
  '25006': [
    'read-only',
    'the database can only be read: it is a standby, or was one when the connection was made',
    'store.address must lead to the primary',
  ],
  '25P03': [
    'locked',
    'the database server has ended a transaction that stood still',
    'see the load of this machine, and the network',
  ],
  '58030': [
    'io',
    'the disk of the database server fails',
    'see its log, and what its kernel says of the disk',
  ],
  XX001: ['damaged', 'the database is damaged', 'stop the node, and put back a backup of the database'],
  XX002: ['damaged', 'an index of the database is damaged', 'stop the node; REINDEX, or put back a backup'],
};

const certificate = (problem: string): Words => [
  'not-permitted',
  `the certificate of the database server ${problem}`,
  'see store.ca, address and server_name, and ssl_cert_file of the server',
];

const unreachable = (problem: string): Words => [
  'unreachable',
  problem,
  'see store.address and port, whether the server runs, and firewalls between',
];

/** By the codes of Node and OpenSSL. */
const byCode: Readonly<Record<string, Words>> = {
  CERT_HAS_EXPIRED: certificate('has expired'),
  CERT_NOT_YET_VALID: certificate('is not valid yet'),
  DEPTH_ZERO_SELF_SIGNED_CERT: certificate('is its own CA, which is not in store.ca'),
  SELF_SIGNED_CERT_IN_CHAIN: certificate('is of a CA that is not in store.ca'),
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: certificate('is of a CA that is not in store.ca'),
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: certificate('is of a CA that is not in store.ca'),
  ERR_TLS_CERT_ALTNAME_INVALID: certificate('is of another name'),
  ECONNREFUSED: unreachable('nobody listens where the database server should'),
  ENOENT: unreachable('there is no socket of a database server in the directory'),
  EACCES: unreachable('the socket of the database server may not be used'),
  ENOTFOUND: unreachable('the name of the database server is not known'),
  EAI_AGAIN: unreachable('the name of the database server could not be looked up'),
  EHOSTUNREACH: unreachable('there is no way to the database server'),
  ENETUNREACH: unreachable('there is no way to the database server'),
  ETIMEDOUT: unreachable('the database server does not answer'),
  ECONNRESET: unreachable('the connection to the database was lost'),
  EPIPE: unreachable('the connection to the database was lost'),
};

const pooler: Words = [
  'not-permitted',
  'the way to the database leads through a connection pooler, such as PgBouncer',
  poolerRemediation,
];

/** Of `pg`, which gives these no code. */
const byMessage: readonly (readonly [RegExp, Words])[] = [
  [
    /does not support SSL/,
    [
      'not-permitted',
      'the database server does not speak TLS',
      'turn it on there (ssl = on, ssl_cert_file, ssl_key_file): over a network Holdfast talks in no other way',
    ],
  ],
  [/timeout|timed out/i, unreachable('the database server does not answer')],
  [/terminated|not queryable|closed|ended/i, unreachable('the connection to the database was lost')],
];

/** An error of PostgreSQL's or of the way to it as a StoreError, if it is about the store as a whole; any other as it is. */
export function toStoreError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof StoreError) return error;
  if (error instanceof CommitInDoubt || error instanceof CommitNotCertain) return error;
  const words = wordsOf(error);
  if (words === undefined) return error;
  const [fault, problem, remediation] = words;
  const code = codeOf(error);
  // What the server says of itself; it names roles and databases, and never a password.
  const said = error instanceof DatabaseError ? `${code}: ${error.message}` : (code ?? error.message);
  return new StoreError(fault, `${problem} (${said})`, remediation, error);
}

function wordsOf(error: Error): Words | undefined {
  const code = codeOf(error);
  if (error instanceof DatabaseError) {
    if (refusedBySomePooler.test(error.message)) return pooler;
    const state = code ?? '';
    return bySqlState[state] ?? bySqlState[state.slice(0, 2)];
  }
  if (code !== undefined && byCode[code] !== undefined) return byCode[code];
  if (code?.startsWith('ERR_SSL') === true || code?.startsWith('ERR_TLS') === true)
    return certificate('or its TLS is not acceptable');
  return byMessage.find(([words]) => words.test(error.message))?.[1];
}

/** It is about the statement that was sent; the session goes on. */
export function isOfStatement(error: unknown): boolean {
  return (
    error instanceof DatabaseError && error.severity === 'ERROR' && /^[0-9A-Z]{5}$/.test(error.code ?? '')
  );
}

/**
 * A transaction that failed of this before its COMMIT was sent was certainly not done, and may go through when it is run
 * again: another came between, or the connection was lost, or the server is about to be there again.
 */
export function mayGoThrough(error: unknown): boolean {
  const cause = error instanceof StoreError ? error.cause : error;
  const code = codeOf(cause) ?? '';
  if (code === '40001' || code === '40P01') return true;
  return error instanceof StoreError && error.fault === 'unreachable';
}
