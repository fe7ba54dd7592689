/** What a service says of a call for CloudTrail: never a plaintext, a data key or a secret. */
export interface TrailDetails {
  requestParameters?: Readonly<Record<string, unknown>>;
  responseElements?: Readonly<Record<string, unknown>>;
  additionalEventData?: Readonly<Record<string, unknown>>;
  resources?: readonly { readonly accountId: string; readonly type: string; readonly ARN: string }[];
  /** Derived from the action's name if not given. */
  readOnly?: boolean;
}

/** One record in CloudTrail's form, event version 1.11, as far as the simulator fills it. */
export interface TrailRecord {
  readonly eventVersion: string;
  readonly userIdentity: {
    readonly type: 'Root' | 'IAMUser' | 'AssumedRole';
    readonly principalId: string;
    readonly arn: string;
    readonly accountId: string;
    readonly accessKeyId: string;
    readonly userName?: string;
    readonly sessionContext?: unknown;
    readonly invokedBy?: string;
  };
  readonly eventTime: string;
  readonly eventSource: string;
  readonly eventName: string;
  readonly awsRegion: string;
  readonly sourceIPAddress: string;
  readonly userAgent: string;
  readonly errorCode?: string;
  readonly errorMessage?: string;
  readonly requestParameters: Readonly<Record<string, unknown>> | null;
  readonly responseElements: Readonly<Record<string, unknown>> | null;
  readonly additionalEventData?: Readonly<Record<string, unknown>>;
  readonly requestID: string;
  readonly eventID: string;
  readonly readOnly: boolean;
  readonly resources?: TrailDetails['resources'];
  readonly eventType: 'AwsApiCall';
  readonly managementEvent: boolean;
  readonly recipientAccountId: string;
  readonly eventCategory: 'Management' | 'Data';
}
