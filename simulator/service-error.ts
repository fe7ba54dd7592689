/**
 * What AWS answers instead of a result. `code` is AWS's name for it (`NotFoundException`, `NoSuchEntity`); the message is ours and
 * must not quote secrets.
 */
export class ServiceError extends Error {
  readonly code: string;
  readonly status: number;
  /** More members of the error, as KMS and S3 have them (`BucketName`, …). */
  readonly fields: Readonly<Record<string, string>>;

  constructor(code: string, status: number, message: string, fields: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = 'ServiceError';
    this.code = code;
    this.status = status;
    this.fields = fields;
  }
}
