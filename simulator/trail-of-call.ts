import { randomUUID } from 'node:crypto';
import type { ServiceError } from './service-error.ts';
import type { SimulatedCall } from './service.ts';
import type { TrailRecord } from './trail-record.ts';

const READS =
  /^(Get|List|Describe|Head|Simulate|Encrypt$|Decrypt$|ReEncrypt$|GenerateDataKey|GenerateRandom$)/;
/** S3's own are data events in CloudTrail; all else is of the management kind, KMS's use of keys as well. */
const DATA = /Object/;

/** CloudTrail User Guide, "CloudTrail record contents". */
export function recordOf(call: SimulatedCall, error?: ServiceError): TrailRecord {
  const { trail } = call;
  const management = !(call.service === 's3' && DATA.test(call.action));
  return {
    eventVersion: '1.11',
    userIdentity: identityOf(call),
    eventTime: call.at.toISOString().replace(/\.\d{3}Z$/, 'Z'),
    eventSource: `${call.service}.amazonaws.com`,
    eventName: call.action,
    awsRegion: call.region,
    sourceIPAddress: call.viaService === undefined ? call.sourceAddress : serviceOf(call.viaService),
    userAgent: call.viaService === undefined ? call.userAgent : serviceOf(call.viaService),
    ...(error === undefined ? {} : { errorCode: error.code, errorMessage: error.message }),
    requestParameters: trail.requestParameters ?? null,
    responseElements: trail.responseElements ?? null,
    ...(trail.additionalEventData === undefined ? {} : { additionalEventData: trail.additionalEventData }),
    requestID: call.requestId,
    eventID: randomUUID(),
    readOnly: trail.readOnly ?? READS.test(call.action),
    ...(trail.resources === undefined ? {} : { resources: trail.resources }),
    eventType: 'AwsApiCall',
    managementEvent: management,
    recipientAccountId: call.accountId,
    eventCategory: management ? 'Management' : 'Data',
  };
}

function identityOf(call: SimulatedCall): TrailRecord['userIdentity'] {
  const { principal } = call;
  const types = { root: 'Root', user: 'IAMUser', 'assumed-role': 'AssumedRole' } as const;
  return {
    type: types[principal.kind],
    principalId: principal.id,
    arn: principal.arn,
    accountId: principal.accountId,
    accessKeyId: principal.accessKeyId,
    ...(principal.kind === 'user' ? { userName: principal.name } : {}),
    ...(principal.session === undefined
      ? {}
      : {
          sessionContext: {
            sessionIssuer: {
              type: 'Role',
              principalId: principal.session.roleId,
              arn: principal.policyArn,
              accountId: principal.accountId,
              userName: principal.name,
            },
            attributes: {
              creationDate: principal.session.issuedAt.toISOString().replace(/\.\d{3}Z$/, 'Z'),
              mfaAuthenticated: 'false',
            },
          },
        }),
    ...(call.viaService === undefined ? {} : { invokedBy: serviceOf(call.viaService) }),
  };
}

/** `s3.eu-west-1.amazonaws.com` → `s3.amazonaws.com`. */
function serviceOf(viaService: string): string {
  return viaService.replace(/^([a-z0-9-]+)\.[a-z0-9-]+\./, '$1.');
}
