import type { ConditionContext, PolicyDocument } from './policy.ts';
import type { Principal } from './principal.ts';
import type { TrailDetails } from './trail-record.ts';

/** The services, by the names that credential scopes have. */
export type ServiceName = 'kms' | 'iam' | 'sts' | 's3';

/**
 * One service of the simulator. `handle` gets calls whose signature is right; it throws a `ServiceError` for what AWS would
 * refuse, and anything else it throws is a fault of the simulator (answered as the service's internal error, and logged).
 */
export interface Service {
  readonly name: ServiceName;
  handle(call: SimulatedCall): Promise<Reply>;
  /** The request as the service sees it, once its signature is verified (S3: headers that a presigned URL has in its query). */
  prepare?(request: HttpRequest): HttpRequest;
  /** The action of a request, where its protocol has no name for it (S3). */
  actionOf?(request: HttpRequest): string;
  /** All that a state file keeps of it, as plain JSON. */
  save?(): unknown;
  /** The reverse of `save`, called once before the first call. */
  load?(saved: unknown): void;
  /** Ends timers and connections; whatever it has begun is over when this resolves. */
  close?(): Promise<void>;
}

/** One call of one principal, after its signature was found right. */
export interface SimulatedCall {
  readonly service: ServiceName;
  /** As AWS names it: `CreateKey`, `AssumeRole`, `PutObject`. */
  readonly action: string;
  readonly principal: Principal;
  /** 12 digits: the account of the principal. */
  readonly accountId: string;
  readonly partition: string;
  /** From the credential scope. */
  readonly region: string;
  readonly requestId: string;
  readonly sourceAddress: string;
  readonly userAgent: string;
  readonly at: Date;
  /** JSON services: the body; query services: the parameters, all strings; S3: empty, see `http`. */
  readonly input: Readonly<Record<string, unknown>>;
  readonly http: HttpRequest;
  /** `s3.eu-west-1.amazonaws.com` where a service calls for the principal (kms:ViaService); such calls come from `forward`. */
  readonly viaService?: string;
  /** What the service adds to the CloudTrail record. It starts empty: only what is put here is written, so that no secret is. */
  readonly trail: TrailDetails;
  /** Throws the service's AccessDenied unless the principal's policies and the resource's allow it. */
  authorize(action: string, resourceArn: string, options?: AuthorizeOptions): void;
  /**
   * The same principal's call of another service, made by this one for it: with a request id and a CloudTrail record of its own
   * (`invokedBy`). Faults set for that service and action apply.
   */
  forward<T>(
    target: { service: ServiceName; action: string; viaService: string },
    run: (call: SimulatedCall) => Promise<T>,
  ): Promise<T>;
}

export interface AuthorizeOptions {
  /** Key policy, trust policy. */
  readonly resourcePolicy?: PolicyDocument;
  /** The account that owns the resource, if it is not the one in the ARN. */
  readonly resourceAccountId?: string;
  /**
   * `required` (KMS keys, roles): identity policies count only where the resource policy lets the account decide.
   * `optional` (default): either suffices within one account.
   */
  readonly resourcePolicyIs?: 'required' | 'optional';
  /** Condition keys of the service, such as `kms:ViaService`; the global `aws:` keys are there already. */
  readonly context?: ConditionContext;
}

/** The request as it came. Path and query are not decoded; header names are lower-case, repeated ones joined with a comma. */
export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: ReadonlyMap<string, string>;
  /** Without aws-chunked framing. */
  readonly body: Buffer;
  /** Trailing headers of an aws-chunked body, names lower-case. */
  readonly trailers: ReadonlyMap<string, string>;
  readonly secure: boolean;
  /** The signature is in the query: a presigned URL. */
  readonly presigned: boolean;
}

export interface Reply {
  /** 200 if not given. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * JSON services: the answer as an object (undefined fields are left out). Query services: the members of `<ActionResult>`, arrays
   * as `<member>`s. S3: one root element `{ ListBucketResult: {…} }`, arrays as repeated elements.
   */
  readonly output?: Readonly<Record<string, unknown>>;
  /** In place of `output`: bytes as they are. */
  readonly body?: Buffer;
}
