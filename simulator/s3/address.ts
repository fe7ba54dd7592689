import { parseQuery, uriDecode } from '../canonical-request.ts';
import type { HttpRequest } from '../service.ts';

/** What a request is about. */
export interface Address {
  /** '' for the service itself. */
  readonly bucket: string;
  /** '' for the bucket itself. */
  readonly key: string;
  readonly query: ReadonlyMap<string, string>;
}

const AWS_HOST = /^(?:(.+)\.)?s3(?:[.-][a-z0-9-]+)?\.amazonaws\.com(?:\.cn)?$/;

/** Path style (`/bucket/key`) and virtual-host style (`bucket.s3.…`, `bucket.s3.localhost`, `bucket.<host name>`). */
export function addressOf(request: HttpRequest, hostNames: readonly string[]): Address {
  const host = (request.headers.get('host') ?? '').replace(/:\d+$/, '').toLowerCase();
  const query = new Map(parseQuery(request.query) ?? []);
  const path = uriDecode(request.path) ?? '/';
  const named = bucketOfHost(host, hostNames);
  if (named !== undefined) return { bucket: named, key: path.slice(1), query };
  const slash = path.indexOf('/', 1);
  if (slash === -1) return { bucket: path.slice(1), key: '', query };
  return { bucket: path.slice(1, slash), key: path.slice(slash + 1), query };
}

function bucketOfHost(host: string, hostNames: readonly string[]): string | undefined {
  const aws = AWS_HOST.exec(host);
  if (aws !== null) return aws[1];
  for (const name of ['s3.localhost', ...hostNames])
    if (host.endsWith(`.${name.toLowerCase()}`)) return host.slice(0, -name.length - 1);
  return undefined;
}

const SIGNING =
  /^x-amz-(algorithm|credential|date|expires|signedheaders|security-token|signature|content-sha256)$/i;
/** A presigned PUT of the SDK has the checksum of an empty body in its query: nothing was there to sign. */
const CHECKSUM = /^x-amz-(checksum-(?!mode)|sdk-checksum)/i;

/** The request with the x-amz headers that a presigned URL carries in its query. */
export function withHoistedHeaders(request: HttpRequest): HttpRequest {
  if (!request.presigned) return request;
  const hoisted = (parseQuery(request.query) ?? [])
    .filter(([name]) => /^x-amz-/i.test(name) && !SIGNING.test(name) && !CHECKSUM.test(name))
    .map(([name, value]): [string, string] => [name.toLowerCase(), value]);
  return { ...request, headers: new Map([...hoisted, ...request.headers]) };
}

/** What stands in the query beside the sub-resource that decides the action. */
const PARAMETERS = new Set([
  'x-id',
  'list-type',
  'marker',
  'key-marker',
  'upload-id-marker',
  'part-number-marker',
  'max-parts',
  'max-uploads',
  'prefix',
  'delimiter',
  'max-keys',
  'continuation-token',
  'start-after',
  'fetch-owner',
  'encoding-type',
  'max-buckets',
  'bucket-region',
  'response-content-type',
  'response-content-disposition',
  'response-content-encoding',
  'response-content-language',
  'response-cache-control',
  'response-expires',
]);

const OBJECT_ACTIONS: Record<string, string> = {
  'GET ': 'GetObject',
  'HEAD ': 'HeadObject',
  'PUT ': 'PutObject',
  'PUT  copy': 'CopyObject',
  'DELETE ': 'DeleteObject',
  'POST uploads': 'CreateMultipartUpload',
  'PUT uploadId': 'UploadPart',
  'PUT uploadId copy': 'UploadPartCopy',
  'GET uploadId': 'ListParts',
  'POST uploadId': 'CompleteMultipartUpload',
  'DELETE uploadId': 'AbortMultipartUpload',
  'GET tagging': 'GetObjectTagging',
  'PUT tagging': 'PutObjectTagging',
  'DELETE tagging': 'DeleteObjectTagging',
};

const BUCKET_ACTIONS: Record<string, string> = {
  'GET ': 'ListObjects',
  'GET list-type=2': 'ListObjectsV2',
  'GET uploads': 'ListMultipartUploads',
  'POST delete': 'DeleteObjects',
  'GET publicAccessBlock': 'GetPublicAccessBlock',
  'PUT publicAccessBlock': 'PutPublicAccessBlock',
  'DELETE publicAccessBlock': 'DeletePublicAccessBlock',
  'GET versioning': 'GetBucketVersioning',
  'GET encryption': 'GetBucketEncryption',
  'PUT encryption': 'PutBucketEncryption',
  'DELETE encryption': 'DeleteBucketEncryption',
  'GET location': 'GetBucketLocation',
  'HEAD ': 'HeadBucket',
  'PUT ': 'CreateBucket',
  'DELETE ': 'DeleteBucket',
};

/** S3's name of the action; what the simulator does not do gets a name that says what it is, such as `PUT ?versioning`. */
export function actionOf(request: HttpRequest, address: Address): string {
  const { query } = address;
  // A part's number stands beside its upload; alone, it would ask for a part of a finished object.
  const isParameter = (name: string): boolean =>
    PARAMETERS.has(name) || /^x-amz-/i.test(name) || (name === 'partNumber' && query.has('uploadId'));
  const [subresource = '', ...others] = [...query.keys()].filter((name) => !isParameter(name));
  const named = /^[A-Za-z-]{1,32}$/.test(subresource) ? subresource : 'unknown';
  const unknown = `${request.method}${subresource === '' ? '' : ` ?${named}`}`;
  // Two, such as tagging and versionId: no action has so many here, and none is skipped.
  if (others.length > 0) return `${unknown} with another parameter`;
  if (address.bucket === '') return unknown === 'GET' ? 'ListBuckets' : unknown;
  if (address.key !== '') {
    const copy = request.headers.has('x-amz-copy-source') ? ' copy' : '';
    return OBJECT_ACTIONS[`${request.method} ${subresource}${copy}`] ?? unknown;
  }
  const detail = query.get('list-type') === '2' ? 'list-type=2' : subresource;
  return BUCKET_ACTIONS[`${request.method} ${detail}`] ?? unknown;
}
