import { uriDecode } from './canonical-request.ts';
import type { HttpRequest, ServiceName } from './service.ts';

/** Which service and action a request is for; `input` as that service's protocol has it. */
export interface Route {
  readonly service: ServiceName;
  /** '' for S3, which decides by method, path and query. */
  readonly action: string;
  readonly input: Readonly<Record<string, unknown>>;
  /** What is wrong with the body, to be said only to who has signed it. */
  readonly problem?: string;
}

const VERSIONS: Record<string, ServiceName> = { '2010-05-08': 'iam', '2011-06-15': 'sts' };
const SCOPE = /Credential=[^/,\s]+(?:\/|%2F)\d+(?:\/|%2F)[a-z0-9-]+(?:\/|%2F)([a-z0-9-]+)/i;

/** One endpoint is all services: X-Amz-Target names KMS, Action and Version a query service, everything else is S3's. */
// oxlint-disable-next-line complexity -- one case for each service
export function routeOf(request: HttpRequest): Route {
  const target = request.headers.get('x-amz-target');
  if (target !== undefined) return jsonRoute(target, request.body);
  const form = isForm(request) ? request.body.toString('utf8') : '';
  const parameters = readForm(form === '' ? request.query : form);
  const action = parameters['Action'];
  const version = parameters['Version'];
  const signedFor = SCOPE.exec(request.headers.get('authorization') ?? request.query)?.[1];
  if (action !== undefined && signedFor !== 's3') {
    const service = VERSIONS[version ?? ''] ?? (signedFor === 'sts' ? 'sts' : 'iam');
    return {
      service,
      action: /^[A-Za-z]{1,64}$/.test(action) ? action : '',
      input: parameters,
      ...(VERSIONS[version ?? ''] === undefined
        ? { problem: 'Version must be 2010-05-08 (IAM) or 2011-06-15 (STS)' }
        : {}),
    };
  }
  if (signedFor === 'iam' || signedFor === 'sts')
    return { service: signedFor, action: '', input: {}, problem: 'The request has no Action' };
  if (signedFor === 'kms')
    return { service: 'kms', action: '', input: {}, problem: 'The request has no X-Amz-Target' };
  return { service: 's3', action: '', input: {} };
}

function jsonRoute(target: string, body: Buffer): Route {
  const action = /^TrentService\.([A-Za-z]{1,64})$/.exec(target)?.[1] ?? '';
  const base = { service: 'kms', action } as const;
  if (action === '') return { ...base, input: {}, problem: 'X-Amz-Target must be TrentService.<action>' };
  try {
    const input: unknown = body.length === 0 ? {} : JSON.parse(body.toString('utf8'));
    if (typeof input === 'object' && input !== null && !Array.isArray(input))
      return { ...base, input: input as Record<string, unknown> };
  } catch {
    // Said below, without a word of the body.
  }
  return { ...base, input: {}, problem: 'The body is not a JSON object' };
}

function isForm(request: HttpRequest): boolean {
  const type = request.headers.get('content-type') ?? '';
  return request.method === 'POST' && type.startsWith('application/x-www-form-urlencoded');
}

function readForm(text: string): Record<string, string> {
  const parameters: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const part of text.split('&')) {
    const mark = part.indexOf('=');
    const name = uriDecode((mark === -1 ? part : part.slice(0, mark)).replaceAll('+', ' '));
    const value = uriDecode((mark === -1 ? '' : part.slice(mark + 1)).replaceAll('+', ' '));
    if (name !== undefined && name !== '' && value !== undefined) parameters[name] = value;
  }
  return parameters;
}
