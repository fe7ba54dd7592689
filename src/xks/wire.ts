import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import { nameTrouble } from '../json-names.ts';
import { XksError } from './errors.ts';

/*
 * The request bodies (XKS spec, API operations). Unknown fields are ignored: AWS says that it will add some. What
 * stands in requestMetadata is not validated beyond being there as text: it is AWS's to say, ours to log. An optional
 * field that is null is absent: many JSON writers put it so.
 */

const requestMetadata = z.object({
  kmsOperation: z.string(),
  kmsRequestId: z.string(),
  awsPrincipalArn: z.string().nullish(),
  kmsKeyArn: z.string().nullish(),
  awsSourceVpc: z.string().nullish(),
  awsSourceVpce: z.string().nullish(),
  kmsViaService: z.string().nullish(),
});

export type RequestMetadata = z.output<typeof requestMetadata>;

const ofCaller = requestMetadata.extend({ awsPrincipalArn: z.string() });
const ofKmsKey = ofCaller.extend({ kmsKeyArn: z.string() });

/** Standard Base64 with padding, as RFC 4648 section 4 has it; not the URL-safe alphabet, no line breaks. */
const base64 = z.string().transform((text, context): Buffer => {
  const bytes = decodeBase64(text);
  if (bytes !== undefined) return bytes;
  context.issues.push({ code: 'custom', input: '', message: 'is not standard Base64' });
  return z.NEVER;
});

const encryptionAlgorithm = z.literal('AES_GCM', { error: 'must be AES_GCM' });

export const getHealthStatusRequest = z.object({ requestMetadata });
export const getKeyMetadataRequest = z.object({ requestMetadata: ofCaller });

export const encryptRequest = z.object({
  requestMetadata: ofKmsKey,
  plaintext: base64,
  encryptionAlgorithm,
  additionalAuthenticatedData: base64.nullish(),
  ciphertextDataIntegrityValueAlgorithm: z.literal('SHA_256', { error: 'must be SHA_256' }).nullish(),
});

export const decryptRequest = z.object({
  requestMetadata: ofKmsKey,
  ciphertext: base64,
  initializationVector: base64,
  authenticationTag: base64,
  encryptionAlgorithm,
  additionalAuthenticatedData: base64.nullish(),
  ciphertextMetadata: base64
    .refine((bytes) => bytes.length <= 20, { error: 'must not exceed 20 bytes', abort: true })
    .nullish(),
});

/**
 * Parses a body by its schema. Throws ValidationException that names the first wrong fields and never quotes them.
 */
export function parseBody<T extends z.ZodType>(schema: T, body: Buffer): z.output<T> {
  let data: unknown;
  let text: string;
  try {
    if (!isUtf8(body)) throw new SyntaxError('not UTF-8');
    text = body.toString('utf8');
    data = JSON.parse(text);
  } catch {
    throw new XksError('ValidationException', 'The request body is not JSON.');
  }
  const trouble = nameTrouble(text, data);
  if (trouble !== undefined)
    throw new XksError(
      'ValidationException',
      trouble === 'twice'
        ? 'The request body has a field twice.'
        : 'A field of the request body has an escaped name that cannot be read for certain.',
    );
  const result = schema.safeParse(data);
  if (result.success) return result.data;
  const fields = result.error.issues.slice(0, 5).map((issue) => {
    const name = issue.path.join('.');
    const what =
      issue.code === 'custom' || issue.code === 'invalid_value'
        ? issue.message
        : 'is missing or of the wrong type';
    return `${name === '' ? 'the request body' : name} ${what}`;
  });
  // The names are the schema's own, not the client's: safe to repeat.
  throw new XksError('ValidationException', `Invalid request: ${fields.join('; ')}.`);
}

/** Undefined where the text is not canonical Base64. */
export function decodeBase64(text: string): Buffer | undefined {
  if (text.length % 4 !== 0) return undefined;
  const bytes = Buffer.from(text, 'base64');
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  if (bytes.length !== (text.length / 4) * 3 - padding) return undefined;
  // Node skips what it does not know and takes both alphabets: only what encodes back to the same text was Base64.
  return bytes.toString('base64') === text ? bytes : undefined;
}
