import { isIP } from 'node:net';
import { createTransport } from 'nodemailer';
import type { House } from '../vault/house.ts';
import { mailPassword, readMailSettings, type MailSettings } from './mail-settings.ts';
import type { Mail } from './mail-texts.ts';

/** Mail did not leave; the text is for the operator and quotes nothing. */
export class MailError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'MailError';
  }
}

/** Milliseconds: someone waits for the answer. */
const connectWithin = 5000;
const silentFor = 5000;
const sentWithin = 15_000;

/** Hands one mail to the mail server of the settings. Throws MailError. */
export async function sendMail(house: House, to: string, mail: Mail): Promise<void> {
  const stored = await readMailSettings(house);
  if (stored === undefined) throw new MailError('no mail server is set up');
  const { settings, sealed } = stored;
  let auth: { user: string; pass: string } | undefined;
  if (settings.username !== null && sealed !== undefined)
    try {
      auth = { user: settings.username, pass: (await mailPassword(house, sealed)).reveal() };
    } catch (error) {
      throw new MailError('the token could not open the password for the mail server', error);
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
    connectionTimeout: connectWithin,
    greetingTimeout: connectWithin,
    dnsTimeout: connectWithin,
    socketTimeout: silentFor,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(() => timeout.reject(new MailError('the mail server took too long')), sentWithin);
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
    throw error instanceof MailError ? error : new MailError(problemOf(error, settings), error);
  } finally {
    clearTimeout(timer);
    transport.close();
  }
}

/** What went wrong in a sentence; what the server said stays in the cause, of which only its number is told. */
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
    return `the mail server at ${host}:${port} does not speak TLS as it should`;
  switch (code ?? '') {
    case 'EAUTH':
    case 'ENOAUTH':
      return `the mail server refused user name or password${number}`;
    case 'ETIMEDOUT':
      return `the mail server at ${host}:${port} does not answer`;
    case 'EDNS':
      return `there is no address of the mail server ${host}`;
    case 'ESOCKET':
      return `nothing can be connected to at ${host}:${port}`;
    case 'ECONNECTION':
      return `the mail server at ${host}:${port} closed the connection`;
    case 'ETLS':
      return security === 'starttls'
        ? 'the mail server does not offer STARTTLS'
        : `the mail server at ${host}:${port} does not speak TLS from the beginning`;
    case 'EENVELOPE':
      return `the mail server does not take mail from this sender or to this address${number}`;
    case 'EMESSAGE':
      return `the mail server refused the mail${number}`;
    default:
      return `the mail could not be sent${number}`;
  }
}
