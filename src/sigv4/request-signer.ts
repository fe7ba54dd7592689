import { ALGORITHM_IDENTIFIER, SignatureV4, createScope, getCanonicalHeaders } from '@smithy/signature-v4';
import { SERVICE } from './credential.ts';
import type { ReceivedRequest } from './received-request.ts';
import type { SignedParts } from './expected-signature.ts';
import { Sha256 } from './sha256.ts';

export interface SignedAt extends SignedParts {
  requestTime: Date;
}

/**
 * The steps of SigV4 from @smithy/signature-v4, without its `sign(request)`: that is made for clients and drops a
 * signed `date` header, sets x-amz-date anew and believes x-amz-content-sha256 without looking at the body.
 */
export class RequestSigner extends SignatureV4 {
  constructor(accessKeyId: string, secretAccessKey: string, region: string) {
    super({
      credentials: { accessKeyId, secretAccessKey },
      region,
      service: SERVICE,
      sha256: Sha256,
      // The path is signed as sent (XKS spec, Authentication): not escaped again, no dot segments removed.
      uriEscapePath: false,
    });
  }

  /** The signature of a request with these header values (all of them signed) and this body hash, in hexadecimal. */
  async signatureOf(
    request: ReceivedRequest,
    headers: Record<string, string>,
    bodyHash: string,
    { date, region, requestTime, signedHeaders, timestamp }: SignedAt,
  ): Promise<string> {
    const canonical = {
      method: request.method,
      path: request.path,
      headers,
      protocol: 'https:',
      hostname: '',
    };
    const stringToSign = await this.createStringToSign(
      timestamp,
      createScope(date, region, SERVICE),
      // Naming the signed headers keeps those in that smithy never signs by itself, such as user-agent.
      this.createCanonicalRequest(
        canonical,
        getCanonicalHeaders(canonical, undefined, new Set(signedHeaders)),
        bodyHash,
      ),
      ALGORITHM_IDENTIFIER,
    );
    return this.sign(stringToSign, { signingDate: requestTime, signingRegion: region });
  }
}
