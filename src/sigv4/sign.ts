import { ALGORITHM_IDENTIFIER } from '@smithy/signature-v4';
import { hash } from 'node:crypto';
import { SERVICE } from './credential.ts';
import { RequestSigner } from './request-signer.ts';

/** A request to be signed: what of it goes into the signature. */
export interface RequestToSign {
  method: string;
  /** As it will be sent, without a query. */
  path: string;
  /** The Host header, or HTTP/2's authority. */
  host: string;
  body: Uint8Array;
}

/** Who signs: as AWS KMS would for a key store in `region`. */
export interface SigningCredential {
  accessKeyId: string;
  secret: string;
  region: string;
}

/**
 * The headers that make a request one of the credential's holder, signed at `at`, over `host` and `x-amz-date` as AWS
 * KMS does (XKS spec, Appendix A).
 */
export async function signRequest(
  { method, path, host, body }: RequestToSign,
  { accessKeyId, secret, region }: SigningCredential,
  at: Date,
): Promise<{ 'x-amz-date': string; authorization: string }> {
  const timestamp = at.toISOString().replace(/[-:]|\.\d{3}/g, '');
  const date = timestamp.slice(0, 8);
  const signedHeaders = ['host', 'x-amz-date'];
  const signature = await new RequestSigner(accessKeyId, secret, region).signatureOf(
    { method, path, query: '', rawHeaders: [] },
    { host, 'x-amz-date': timestamp },
    hash('sha256', body, 'hex'),
    { date, region, signedHeaders, timestamp, requestTime: at },
  );
  const scope = `${accessKeyId}/${date}/${region}/${SERVICE}/aws4_request`;
  return {
    'x-amz-date': timestamp,
    authorization: `${ALGORITHM_IDENTIFIER} Credential=${scope}, SignedHeaders=${signedHeaders.join(';')}, Signature=${signature}`,
  };
}
