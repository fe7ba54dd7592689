import { commonError } from '../protocol.ts';
import { ServiceError } from '../service-error.ts';

/** S3 API Reference, "Error responses", as far as the simulator gives them. */
const STATUS = {
  AccessDenied: 403,
  BadDigest: 400,
  BadRequest: 400,
  BucketAlreadyExists: 409,
  BucketAlreadyOwnedByYou: 409,
  BucketNotEmpty: 409,
  EntityTooLarge: 400,
  EntityTooSmall: 400,
  IllegalLocationConstraintException: 400,
  InvalidArgument: 400,
  InvalidBucketName: 400,
  InvalidDigest: 400,
  InvalidLocationConstraint: 400,
  InvalidPart: 400,
  InvalidPartOrder: 400,
  InvalidRange: 416,
  InvalidRequest: 400,
  InvalidTag: 400,
  KeyTooLongError: 400,
  MalformedXML: 400,
  NoSuchBucket: 404,
  NoSuchKey: 404,
  NoSuchPublicAccessBlockConfiguration: 404,
  NoSuchUpload: 404,
  PermanentRedirect: 301,
  PreconditionFailed: 412,
} as const;

export function s3Error(
  code: keyof typeof STATUS,
  message: string,
  fields: Readonly<Record<string, string>> = {},
): ServiceError {
  return new ServiceError(code, STATUS[code], message, fields);
}

export function notDone(what: string): ServiceError {
  return commonError('s3', 'not-done', `The simulator does not do ${what} of S3`);
}

/**
 * How S3 passes on what KMS refused: `KMS.DisabledException`, `KMS.KMSInvalidStateException`, `KMS.NotFoundException` and so on
 * with status 400 (Amazon RDS User Guide, "Failure messages for S3 export tasks", names the first two; what S3 answered to
 * other stand-ins' tests against the real service bears the third out), a missing permission as S3's own AccessDenied, and
 * KMS's throttling under its plain name (AWS re:Post, "ThrottlingException … when calling the PutObject operation").
 */
export function fromKms(error: unknown): unknown {
  if (!(error instanceof ServiceError)) return error;
  if (error.code === 'AccessDeniedException') return s3Error('AccessDenied', error.message);
  if (error.code === 'ThrottlingException') return new ServiceError(error.code, 400, error.message);
  return new ServiceError(`KMS.${error.code}`, error.status, error.message);
}
