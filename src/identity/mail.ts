import { isIP } from 'node:net';
import { createTransport } from 'nodemailer';
import { TokenError } from '../token/faults.ts';
import type { VaultContext } from '../vault/context.ts';
import { mailPassword, readMailSettings, type MailSettings } from './mail-settings.ts';
import type { Mail } from './mail-texts.ts';

/** Mail did not leave; the text is for the operator and quotes nothing. */
export class MailError extends Error {
  /** What the server said, for who sets it up; undefined where it said nothing, or said what is secret. */
  readonly said: string | undefined;

  constructor(message: string, cause?: unknown, said?: string) {
    super(message, { cause });
    this.name = 'MailError';
    this.said = said;
  }
}

/** Milliseconds: someone waits for the answer. A server may take its time with its greeting, to keep bulk senders away. */
const sentWithin = 15_000;
/** So much of what a server says is told, characters. */
const maxSaidLength = 300;

/** Hands one mail to the mail server of the settings, which has `within` milliseconds for all of it. Throws MailError. */
// oxlint-disable-next-line max-lines-per-function -- one step of the delivery after another
export async function sendMail(
  context: VaultContext,
  to: string,
  mail: Mail,
  within = sentWithin,
): Promise<void> {
  const stored = await readMailSettings(context);
  if (stored === undefined) throw new MailError('no mail server is set up');
  const { settings, sealed } = stored;
  let auth: { user: string; pass: string } | undefined;
  if (settings.username !== null && sealed !== undefined)
    try {
      auth = { user: settings.username, pass: (await mailPassword(context, sealed)).reveal() };
    } catch (error) {
      throw new MailError(
        error instanceof TokenError && error.fault === 'seal-broken'
          ? 'the password does not belong to these mail settings, which were changed outside Holdfast: set them again, with the password'
          : 'the token could not unseal the password for the mail server',
        error,
      );
    }
  const transport = createTransport({
    host: settings.host,
    port: settings.port,
    secure: settings.security === 'tls',
    requireTLS: settings.security === 'starttls',
    ignoreTLS: settings.security === 'none',
    tls: {
      minVersion: 'TLSv1.2',
      rejectUnauthorized: true,
      ...(isIP(settings.host) === 0 ? { servername: settings.host } : {}),
      ...(settings.caCertificates === null ? {} : { ca: settings.caCertificates }),
    },
    ...(auth === undefined ? {} : { auth }),
    connectionTimeout: within,
    greetingTimeout: within,
    dnsTimeout: within,
    socketTimeout: within,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const { host, port } = settings;
    timeout.reject(
      new MailError(`the mail server at ${host}:${port} does not answer within ${within / 1000} s`),
    );
  }, within);
  try {
    await Promise.race([
      transport.sendMail({
        from: { name: 'Holdfast', address: settings.from },
        to: { name: '', address: to },
        subject: mail.subject,
        text: mail.text,
        // RFC 3834: nothing answers it by itself.
        headers: { 'Auto-Submitted': 'auto-generated' },
      }),
      timeout.promise,
    ]);
  } catch (error) {
    throw error instanceof MailError
      ? error
      : new MailError(problemOf(error, settings), error, saidBy(error, auth?.pass));
  } finally {
    clearTimeout(timer);
    transport.close();
  }
}

/** The server's own words on one line; nothing where it gives the password back. */
function saidBy(error: unknown, password: string | undefined): string | undefined {
  const { response } = error as { response?: unknown };
  if (typeof response !== 'string' || response === '') return undefined;
  const forms =
    password === undefined ? [] : [password, ...encodingsOf(password)].filter((form) => form !== '');
  if (forms.some((form) => response.includes(form))) return undefined;
  // eslint-disable-next-line no-control-regex -- a terminal is shown it
  return response.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').slice(0, maxSaidLength);
}

/** Base64 of a password, wherever it stands in what is encoded: PLAIN has it behind a name. */
function encodingsOf(password: string): string[] {
  return ['', 'a', 'aa'].map((before) =>
    Buffer.from(before + password)
      .toString('base64')
      .slice(before.length === 0 ? 0 : before.length + 1)
      .replace(/.{0,2}=*$/, ''),
  );
}

/** What went wrong in a sentence; of what the server said only its number is in it. */
// oxlint-disable-next-line complexity -- one case for each thing that a mail server may say
function problemOf(error: unknown, { host, port, security }: MailSettings): string {
  // nodemailer's own code is of the step that failed, the one of Node or OpenSSL is in `originalCode`.
  const { code, originalCode, responseCode } = error as {
    code?: string;
    originalCode?: string;
    responseCode?: number;
  };
  const number = responseCode === undefined ? '' : ` (${responseCode})`;
  if (/CERT|SIGNATURE|ISSUER|PURPOSE|INVALID_CA|HOSTNAME/.test(originalCode ?? ''))
    return 'the certificate of the mail server is not trusted or is for another name';
  if (/SSL|EPROTO|TLS/.test(originalCode ?? ''))
    return `the mail server at ${host}:${port} does not speak TLS correctly`;
  switch (code ?? '') {
    case 'EAUTH':
    case 'ENOAUTH':
      // It has none of PLAIN, LOGIN and CRAM-MD5.
      if (responseCode === 504)
        return `the mail server accepts no password by a method that Holdfast supports${number}`;
      return `the mail server refused username or password${number}`;
    case 'ETIMEDOUT':
      return `the mail server at ${host}:${port} does not answer`;
    case 'EDNS':
      return `no address was found for the mail server ${host}`;
    case 'ESOCKET':
      return `no connection can be made to ${host}:${port}`;
    case 'ECONNECTION':
      return `the mail server at ${host}:${port} closed the connection`;
    case 'ETLS':
      return security === 'starttls'
        ? 'the mail server does not offer STARTTLS'
        : `the mail server at ${host}:${port} does not speak TLS from the start of the connection`;
    case 'EENVELOPE':
      return `the mail server does not take mail from this sender or to this address${number}`;
    case 'EMESSAGE':
      return `the mail server refused the mail${number}`;
    default:
      return `the mail could not be sent${number}`;
  }
}
