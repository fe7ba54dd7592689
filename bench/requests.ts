import {
  encryptBody,
  requestMetadata,
  XksClient,
  type KeySetAccess,
  type SignedRequest,
} from '../testing/xks-client.ts';

export type OperationName = 'encrypt with CDIV' | 'encrypt' | 'decrypt' | 'metadata';
export const operationNames: OperationName[] = ['encrypt with CDIV', 'encrypt', 'decrypt', 'metadata'];

/** A data key and an encryption context, of the sizes that AWS services send. */
export const plaintext = Buffer.alloc(32, 7);
export const aad = Buffer.alloc(60, 3);

/** The request that is repeated, signed once; `key` is an external key id. */
export async function requestsOf(
  access: KeySetAccess,
  key: string,
  name: OperationName,
  { host, port, ca }: { host?: string; port: number; ca: string },
): Promise<SignedRequest[]> {
  const client = new XksClient(port, access, { ca, ...(host === undefined ? {} : { host }) });
  try {
    const uri = `${access.uriPath}/keys/${key}`;
    switch (name) {
      case 'encrypt with CDIV':
        return [await client.sign(`${uri}/encrypt`, encryptBody(plaintext, { aad, cdiv: true }))];
      case 'encrypt':
        return [await client.sign(`${uri}/encrypt`, encryptBody(plaintext, { aad }))];
      case 'metadata':
        return [await client.sign(`${uri}/metadata`, { requestMetadata: requestMetadata('DescribeKey') })];
      case 'decrypt': {
        let { status, body } = await client.encrypt(key, plaintext, { aad });
        while (status === 503) ({ status, body } = await client.encrypt(key, plaintext, { aad }));
        return [
          await client.sign(`${uri}/decrypt`, {
            requestMetadata: requestMetadata('Decrypt'),
            encryptionAlgorithm: 'AES_GCM',
            additionalAuthenticatedData: aad.toString('base64'),
            ...body,
          }),
        ];
      }
    }
  } finally {
    client.close();
  }
}
