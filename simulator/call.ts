import { authorize } from './authorization.ts';
import type { Credential } from './accounts.ts';
import { makeRequestId } from './ids.ts';
import { partitionOf } from './principal.ts';
import type { AuthorizeOptions, HttpRequest, ServiceName, SimulatedCall } from './service.ts';
import type { TrailDetails } from './trail-record.ts';

export interface CallParts {
  readonly service: ServiceName;
  readonly action: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly credential: Credential;
  readonly region: string;
  readonly request: HttpRequest;
  readonly sourceAddress: string;
  readonly at: Date;
  readonly viaService?: string;
  /** Faults and CloudTrail for calls that `forward` makes. */
  readonly run: <T>(call: SimulatedCall, work: (call: SimulatedCall) => Promise<T>) => Promise<T>;
}

export class Call implements SimulatedCall {
  readonly #parts: CallParts;
  readonly requestId = makeRequestId();
  readonly trail: TrailDetails = {};
  readonly service: ServiceName;
  /** S3 finds out which action it is only when it looks at the request. */
  action: string;
  readonly principal;
  readonly accountId: string;
  readonly partition: string;
  readonly region: string;
  readonly sourceAddress: string;
  readonly userAgent: string;
  readonly at: Date;
  readonly input: Readonly<Record<string, unknown>>;
  readonly http: HttpRequest;
  declare readonly viaService?: string;

  constructor(parts: CallParts) {
    this.#parts = parts;
    this.service = parts.service;
    this.action = parts.action;
    this.principal = parts.credential.principal;
    this.accountId = this.principal.accountId;
    this.partition = partitionOf(parts.region);
    this.region = parts.region;
    this.sourceAddress = parts.sourceAddress;
    this.userAgent = parts.request.headers.get('user-agent') ?? '';
    this.at = parts.at;
    this.input = parts.input;
    this.http = parts.request;
    if (parts.viaService !== undefined) this.viaService = parts.viaService;
  }

  authorize(action: string, resourceArn: string, options: AuthorizeOptions = {}): void {
    authorize(this, action, resourceArn, options);
  }

  async forward<T>(
    target: { service: ServiceName; action: string; viaService: string },
    run: (call: SimulatedCall) => Promise<T>,
  ): Promise<T> {
    return await this.#parts.run(new Call({ ...this.#parts, ...target, input: {} }), run);
  }
}
