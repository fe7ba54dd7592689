export type Operation = 'GetHealthStatus' | 'GetKeyMetadata' | 'Encrypt' | 'Decrypt';

export interface Route {
  prefix: string;
  operation: Operation;
  /** '' for GetHealthStatus. */
  externalKeyId: string;
}

/** `[/prefix]/kms/xks/v1/health` and `[/prefix]/kms/xks/v1/keys/<externalKeyId>/{metadata,encrypt,decrypt}`. */
const xksUri = /^(?:\/(.+?))?\/kms\/xks\/v1\/(?:(health)|keys\/([^/]+)\/(metadata|encrypt|decrypt))$/;
/** XKS spec, API operations: the total URI length MUST NOT exceed 256 characters. */
const maxPathLength = 256;

const operations: Record<string, Operation> = {
  health: 'GetHealthStatus',
  metadata: 'GetKeyMetadata',
  encrypt: 'Encrypt',
  decrypt: 'Decrypt',
};

/** Reads the route out of the path as sent: nothing is decoded or normalised, since the signature covers it so. */
export function readRoute(path: string): Route | undefined {
  const match = path.length > maxPathLength ? null : xksUri.exec(path);
  if (match === null) return undefined;
  const [, prefix = '', health, externalKeyId = '', indicator = health ?? ''] = match;
  const operation = operations[indicator];
  return operation === undefined ? undefined : { prefix, operation, externalKeyId };
}

export function splitUrl(url: string): { path: string; query: string } {
  const mark = url.indexOf('?');
  return mark < 0 ? { path: url, query: '' } : { path: url.slice(0, mark), query: url.slice(mark + 1) };
}
