import type { HttpRequest } from '../service.ts';
import { notDone } from './errors.ts';

/** x-amz headers that the simulator understands, or that change nothing here. */
const KNOWN =
  /^x-amz-(date|security-token|content-sha256|decoded-content-length|trailer|user-agent|(?:source-)?expected-bucket-owner|request-payer|checksum-.+|sdk-checksum-algorithm|meta-.+|server-side-encryption.*|copy-source(?:-range|-if-.+)?|metadata-directive|mp-object-size|tagging(?:-directive)?)$/;

/** Headers that may only ask for what the simulator does anyway. */
const ONLY: Readonly<Record<string, readonly string[]>> = {
  'x-amz-acl': ['private', 'bucket-owner-full-control'],
  'x-amz-storage-class': ['STANDARD'],
  'x-amz-object-ownership': ['BucketOwnerEnforced'],
  'x-amz-bucket-object-lock-enabled': ['false'],
};

/** What a request asks for and the simulator does not do is refused, never skipped: a lock, an ACL for everyone. */
export function assertHeadersKnown({ headers }: HttpRequest): void {
  for (const [name, value] of headers) {
    if (!name.startsWith('x-amz-') || KNOWN.test(name)) continue;
    if (ONLY[name]?.includes(value) !== true) throw notDone(`what the header ${printable(name)} asks for`);
  }
}

function printable(name: string): string {
  return /^[a-z0-9-]{1,64}$/.test(name) ? name : 'of another form';
}
