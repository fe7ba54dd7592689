// Generated from src/admin/ by scripts/write-docs.ts: change that, then run `make docs`.

/* oxlint-disable max-lines -- generated */

/** What the management API answers, by the name of its schema in OpenAPI. A later version may answer more. */
export interface Schemas {
  ActedCloudKey: {
    id: string;
    keySetId: string;
    keySetName: string;
    name: string;
    /** Free text. */
    description: string;
    /** How AWS refers to it (XksKeyId); permanent. */
    externalKeyId: string;
    /** Only AVAILABLE ones can be used. CREATING: its key object is being generated. */
    state: 'CREATING' | 'AVAILABLE' | 'DISABLED' | 'EXPIRED' | 'PENDING_DELETION' | 'DELETED';
    /** The state that applies to requests: `state`, or FROZEN if it is AVAILABLE and its key set or vault is FROZEN. */
    effectiveState:
      'CREATING' | 'AVAILABLE' | 'DISABLED' | 'EXPIRED' | 'PENDING_DELETION' | 'DELETED' | 'FROZEN';
    /** AWS Region such as `eu-central-1`; empty if none was given. */
    region: string;
    /** ARNs of IAM users and roles that may administer the KMS key; none twice. */
    administrators: string[];
    /** ARNs of IAM users and roles that may use the KMS key; none twice. */
    users: string[];
    usage: 'encrypt-decrypt' | 'encrypt-only' | 'decrypt-only' | 'neither';
    /** The version that encrypts. */
    currentVersion: number;
    /** Rotation schedule. */
    rotation:
      | {
          kind: 'INHERIT';
        }
      | {
          kind: 'NEVER';
        }
      | {
          kind: 'DAYS';
          /** Days of 24 hours. */
          days: number;
        };
    /** When the current version was created. */
    rotatedAt: string;
    /** When it is rotated next; null for never. */
    nextRotationAt: string | null;
    expiresAt: string | null;
    /** With PENDING_DELETION: when its key objects are destroyed. */
    deletionAt: string | null;
    deletedAt: string | null;
    /** XKS requests per second, and the largest burst; null for no quota. */
    quota: {
      requestsPerSecond: number;
      burst: number;
    } | null;
    /** How often AWS has used it, and when last. */
    use: {
      encrypts: number;
      lastEncryptAt: string | null;
      decrypts: number;
      lastDecryptAt: string | null;
    };
    /** Its KMS keys in AWS, one for each external key store. */
    kmsKeys: Schemas['ShortKmsKey'][];
    /** UTC, ISO 8601 with milliseconds. */
    createdAt: string;
    /** UTC, ISO 8601 with milliseconds. */
    updatedAt: string;
    /** With `cloud` set to `both`, or with `applyToKms`: the outcome in AWS. */
    aws?: Schemas['CloudOutcome'][];
  };
  AdminGroup: {
    id: string;
    /** Unique within the vault. */
    name: string;
    /** Free text. */
    description: string;
    /** Number of users in the group. */
    members: number;
    /** UTC, ISO 8601 with milliseconds. */
    createdAt: string;
    /** UTC, ISO 8601 with milliseconds. */
    updatedAt: string;
  };
  AdminGroupMemberPage: {
    items: Schemas['User'][];
    /** Pass it as `cursor` to get the next page; null at the end. */
    next: string | null;
  };
  AdminGroupPage: {
    items: Schemas['AdminGroup'][];
    /** Pass it as `cursor` to get the next page; null at the end. */
    next: string | null;
  };
  ApiKey: {
    id: string;
    name: string;
    /** Its permissions, as long as its owner has them too. */
    scope: (
      | 'appliance.read'
      | 'metrics.read'
      | 'vaults.write'
      | 'vaults.freeze'
      | 'cloud-keys.find'
      | 'tokens.verify'
      | 'nodes.write'
      | 'lost-changes.decide'
      | 'appliance.write'
      | 'appliance-users.write'
      | 'appliance-audit.prune'
      | 'vault.read'
      | 'vault.write'
      | 'vault.freeze'
      | 'findings.acknowledge'
      | 'users.read'
      | 'users.write'
      | 'csp-accounts.write'
      | 'key-sets.write'
      | 'credentials.write'
      | 'cloud-keys.write'
      | 'cloud-keys.adopt'
      | 'cloud-keys.delete'
      | 'audit.read'
      | 'audit.prune'
      | 'reconcile.run'
    )[];
    /** UTC, ISO 8601 with milliseconds. */
    expiresAt: string;
    revokedAt: string | null;
    /** To within half a minute. */
    lastUsedAt: string | null;
    lastAddress: string | null;
    /** UTC, ISO 8601 with milliseconds. */
    createdAt: string;
    state: 'LIVE' | 'EXPIRED' | 'REVOKED';
  };
  ApiKeyPage: {
    items: Schemas['ApiKey'][];
    /** Pass it as `cursor` to get the next page; null at the end. */
    next: string | null;
  };
  ApplianceAuditEventPage: {
    items: Schemas['AuditEvent'][];
    /** Pass it as `cursor` to get the next page; null at the end. */
    next: string | null;
  };
  ApplianceAuditPruningPage: {
    items: Schemas['AuditPruning'][];
    /** Pass it as `cursor` to get the next page; null at the end. */
    next: string | null;
  };
  ApplianceUserPage: {
    items: Schemas['User'][];
    /** Pass it as `cursor` to get the next page; null at the end. */
    next: string | null;
  };
  AuditEvent: {
    /** Increases with every event of the appliance and its vaults. */
    sequence: number;
    /** When it was done. */
    at: string;
    /** When its request arrived or its schedule started it: earlier than `at` if it had to wait. */
    beganAt: string | null;
    actor: {
      kind: 'user' | 'api-key' | 'system' | 'command' | 'nobody';
      id: string;
      name: string;
      /** Vault of the user or API key, empty for those of the appliance, since names may repeat. Missing in events from before 0.5. */
      vaultId?: string;
    };
    /** Source address of the request; empty for acts of Holdfast itself. */
    address: string;
    requestId: string;
    action: string;
    outcome: 'done' | 'refused';
    target: {
      kind: string;
      id: string;
      name: string;
    };
    /** The fields that changed; null if there are none. */
    before: Record<string, unknown> | null;
    /** The fields that changed; null if there are none. */
    after: Record<string, unknown> | null;
  };
  AuditEventPage: {
    items: Schemas['AuditEvent'][];
    /** Pass it as `cursor` to get the next page; null at the end. */
    next: string | null;
  };
  /** Which events were deleted from a trail, and who requested it. Kept permanently. */
  AuditPruning: {
    id: string;
    /** The vault whose trail it is; null for the appliance. */
    vaultId: string | null;
    /** `VERIFYING` while the node compares its events with the digest, `DELETING` once they match. */
    state: 'VERIFYING' | 'DELETING' | 'DONE' | 'REFUSED';
    /** Why it was refused; nothing was deleted then. */
    problem: string | null;
    /** Start of the range; null for the beginning. */
    from: string | null;
    /** End of the range, exclusive. */
    before: string;
    /** Number of events in the archive. */
    count: number;
    /** SHA-256 of their lines in the archive. */
    sha256: string;
    /** The first event. */
    first: {
      sequence: number;
      /** UTC, ISO 8601 with milliseconds. */
      at: string;
    } | null;
    /** The last event. */
    last: {
      sequence: number;
      /** UTC, ISO 8601 with milliseconds. */
      at: string;
    } | null;
    /** Number of events deleted so far. */
    deleted: number;
    /** Number of events kept: from those of the creation, rotation and deletion of keys the node knows which key objects it may destroy. */
    kept: number;
    actor: {
      kind: 'user' | 'api-key' | 'system' | 'command' | 'nobody';
      id: string;
      name: string;
    };
    /** UTC, ISO 8601 with milliseconds. */
    askedAt: string;
    endedAt: string | null;
  };
  AuditPruningPage: {
    items: Schemas['AuditPruning'][];
    /** Pass it as `cursor` to get the next page; null at the end. */
    next: string | null;
  };
  AuditTrail: {
    /** Whose trail it is; null for the appliance. */
    vault: {
      id: string;
      name: string;
    } | null;
    /** The node that answers. */
    node: {
      id: string;
      version: string;
    };
    /** The current time of the node. */
    now: string;
    /** Events younger than this are not pruned; `audit.keep_at_least_days` of the node. */
    keepAtLeastDays: number;
    /** Events before this time may be pruned. */
    prunableBefore: string;
    /** How far the trail has been pruned; null if never. */
    prunedBefore: string | null;
  };
  Caller: {
    id: string;
    username: string;
    displayName: string;
    role: 'appliance-admin' | 'appliance-auditor' | 'vault-admin' | 'cloud-admin' | 'auditor';
    /** Null for users of the appliance. */
    vaultId: string | null;
    /** For an API key, those of its scope. */
    permissions: (
      | 'appliance.read'
      | 'metrics.read'
      | 'vaults.write'
      | 'vaults.freeze'
      | 'cloud-keys.find'
      | 'tokens.verify'
      | 'nodes.write'
      | 'lost-changes.decide'
      | 'appliance.write'
      | 'appliance-users.write'
      | 'appliance-audit.prune'
      | 'vault.read'
      | 'vault.write'
      | 'vault.freeze'
      | 'findings.acknowledge'
      | 'users.read'
      | 'users.write'
      | 'csp-accounts.write'
      | 'key-sets.write'
      | 'credentials.write'
      | 'cloud-keys.write'
      | 'cloud-keys.adopt'
      | 'cloud-keys.delete'
      | 'audit.read'
      | 'audit.prune'
      | 'reconcile.run'
    )[];
    /** With a session, or with an API key of the user. */
    kind: 'user' | 'api-key';
    /** The session or the API key. */
    credentialId: string;
  };
  CloudKey: {
    id: string;
    keySetId: string;
    keySetName: string;
    name: string;
    /** Free text. */
    description: string;
    /** How AWS refers to it (XksKeyId); permanent. */
    externalKeyId: string;
    /** Only AVAILABLE ones can be used. CREATING: its key object is being generated. */
    state: 'CREATING' | 'AVAILABLE' | 'DISABLED' | 'EXPIRED' | 'PENDING_DELETION' | 'DELETED';
    /** The state that applies to requests: `state`, or FROZEN if it is AVAILABLE and its key set or vault is FROZEN. */
    effectiveState:
      'CREATING' | 'AVAILABLE' | 'DISABLED' | 'EXPIRED' | 'PENDING_DELETION' | 'DELETED' | 'FROZEN';
    /** AWS Region such as `eu-central-1`; empty if none was given. */
    region: string;
    /** ARNs of IAM users and roles that may administer the KMS key; none twice. */
    administrators: string[];
    /** ARNs of IAM users and roles that may use the KMS key; none twice. */
    users: string[];
    usage: 'encrypt-decrypt' | 'encrypt-only' | 'decrypt-only' | 'neither';
    /** The version that encrypts. */
    currentVersion: number;
    /** Rotation schedule. */
    rotation:
      | {
          kind: 'INHERIT';
        }
      | {
          kind: 'NEVER';
        }
      | {
          kind: 'DAYS';
          /** Days of 24 hours. */
          days: number;
        };
    /** When the current version was created. */
    rotatedAt: string;
    /** When it is rotated next; null for never. */
    nextRotationAt: string | null;
    expiresAt: string | null;
    /** With PENDING_DELETION: when its key objects are destroyed. */
    deletionAt: string | null;
    deletedAt: string | null;
    /** XKS requests per second, and the largest burst; null for no quota. */
    quota: {
      requestsPerSecond: number;
      burst: number;
    } | null;
    /** How often AWS has used it, and when last. */
    use: {
      encrypts: number;
      lastEncryptAt: string | null;
      decrypts: number;
      lastDecryptAt: string | null;
    };
    /** Its KMS keys in AWS, one for each external key store. */
    kmsKeys: Schemas['ShortKmsKey'][];
    /** UTC, ISO 8601 with milliseconds. */
    createdAt: string;
    /** UTC, ISO 8601 with milliseconds. */
    updatedAt: string;
  };
  CloudKeyPage: {
    items: Schemas['CloudKey'][];
    /** Pass it as `cursor` to get the next page; null at the end. */
    next: string | null;
  };
  /** What creating a CloudKey would make. */
  CloudKeyPreview: {
    keySetId: string;
    keySetName: string;
    /** Token in which its AES-256 key would be generated. */
    token: string;
    /** AWS Region such as `eu-central-1`; empty if none was given. */
    region: string;
    /** Its KMS key in AWS; null if none would be created. */
    kmsKey: {
      externalKeyStoreId: string;
      externalKeyStoreName: string;
      /** Its id in AWS; null while unknown. */
      customKeyStoreId: string | null;
      /** AWS Region such as `eu-central-1`; empty if none was given. */
      region: string;
      /** The AWS account; null while unknown. */
      accountId: string | null;
      /** Empty for none. */
      alias: string;
      description: string;
      /** Besides `holdfast:kms-key` and `holdfast:cloud-key`, which name the records. */
      tags: Record<string, string>;
      policySource: 'generated' | 'generated-without-root' | 'document';
      /** The key policy; null if it is generated and AWS has not told the account id yet. */
      policy: unknown;
    } | null;
  };
  CloudKeyVersion: {
    version: number;
    /** ACTIVE versions decrypt what they encrypted; PENDING ones are being generated. */
    state: 'PENDING' | 'ACTIVE' | 'DESTROYING' | 'DESTROYED';
    /** Generated by Holdfast, or adopted from the AWS sample proxy. */
    origin: 'holdfast' | 'aws-sample-proxy';
    /** Whether it is the version that encrypts. */
    current: boolean;
    /** Upper bound of the number of encryptions with it. At 2³¹ the CloudKey is rotated automatically. */
    encryptionsAtMost: number;
    /** When it encrypted last. Only the current version encrypts. `AT`: within seconds, of the current version; `NOT_AFTER`: of an earlier one, when the next had taken its place, give or take the lease of an XKS worker; `NEVER`: it never has, as far as is on record. */
    lastEncrypt:
      | {
          known: 'NEVER';
          at: null;
        }
      | {
          known: 'AT';
          /** UTC, ISO 8601 with milliseconds. */
          at: string;
        }
      | {
          known: 'NOT_AFTER';
          /** UTC, ISO 8601 with milliseconds. */
          at: string;
        };
    /** When it decrypted last. Uses are kept by CloudKey, not by version. `AT`: of the only version; `NOT_AFTER`: when the CloudKey decrypted last, with whichever version; `NEVER`: it never has, as far as is on record. */
    lastDecrypt:
      | {
          known: 'NEVER';
          at: null;
        }
      | {
          known: 'AT';
          /** UTC, ISO 8601 with milliseconds. */
          at: string;
        }
      | {
          known: 'NOT_AFTER';
          /** UTC, ISO 8601 with milliseconds. */
          at: string;
        };
    /** Whether nothing that AWS has can need its key object. Holdfast destroys no single version: its versions go with the CloudKey. */
    safeToDestroy: boolean;
    /** Why. GONE: its key object is destroyed, or is about to be. BEING_MADE: it is being generated. CURRENT: it is the version that encrypts. ADOPTED: it was adopted with ciphertext of the AWS sample proxy, of which nothing is known. NEVER_ENCRYPTED: no encryption was ever counted for it, so there is nothing to decrypt. MAY_HAVE_ENCRYPTED: it may have encrypted, and AWS does not tell what still has the ciphertext. */
    safeToDestroyReason:
      'GONE' | 'BEING_MADE' | 'CURRENT' | 'ADOPTED' | 'NEVER_ENCRYPTED' | 'MAY_HAVE_ENCRYPTED';
    /** CKA_ID of its key object in the token, in hexadecimal digits: what the vendor’s tools find it by. */
    objectId: string;
    /** CKA_LABEL that its key object was given. */
    label: string;
    /** UTC, ISO 8601 with milliseconds. */
    createdAt: string;
    destroyedAt: string | null;
    /** Whether its key object must decrypt a proof, made when the key was generated, before it is used. False for older versions until they are reconciled, and for keys with a single usage, which are recognized by label and attributes. */
    proven: boolean;
    /** Set if the key object in the token is not the key on record: nothing is encrypted or decrypted with it, and requests for it fail. */
    unfit: {
      /** UTC, ISO 8601 with milliseconds. */
      since: string;
      why: string;
    } | null;
  };
  /** The outcome for one of the KMS keys. */
  CloudOutcome: {
    kmsKeyId: string;
    /** AWS Region such as `eu-central-1`; empty if none was given. */
    region: string;
    keyArn: string | null;
    /** `pending`: AWS has not answered, or failed; it is retried. `by-hand`: Holdfast does not sign in to that AWS account. */
    outcome: 'done' | 'pending' | 'by-hand' | 'no-key';
    problem: {
      /** AWS’s operation. */
      operation: string;
      /** `waiting`: for something that does not exist yet. `settling`: AWS does not show yet what was just created or changed. `proxy`: AWS KMS got no good answer from the proxy. All of them are retried automatically. */
      fault: string;
      /** AWS’s name for it, or ours. */
      code: string;
      message: string;
      remediation: string;
      /** UTC, ISO 8601 with milliseconds. */
      at: string;
      /** The KMS key that prevents it. */
      keyArn?: string;
      /** Number of consecutive failures of this kind. */
      times?: number;
      /** When AWS was asked for what it does not show yet. */
      since?: string;
    } | null;
  };
  Credential: {
    /** Access key id: what AWS signs its requests with. */
    accessKeyId: string;
    /** RETIRED: withdrawn automatically after its successor took over. Only LIVE ones are accepted. */
    state: 'LIVE' | 'EXPIRED' | 'WITHDRAWN' | 'RETIRED';
    /** When it expires; null for never. */
    expiresAt: string | null;
    retireAfterQuietMinutes: number | null;
    /** Access key id of the credential that takes its place. */
    successor: string | null;
    /** When it was last used to sign a request; null if never. */
    lastSeenAt: string | null;
    /** Address of that request. */
    lastAddress: string | null;
    /** Number of requests signed with it. */
    requests: number;
    /** UTC, ISO 8601 with milliseconds. */
    createdAt: string;
    withdrawnAt: string | null;
  };
  CredentialPage: {
    items: Schemas['Credential'][];
    /** Pass it as `cursor` to get the next page; null at the end. */
    next: string | null;
  };
  CspAccount: {
    id: string;
    name: string;
    /** Free text. */
    description: string;
    /** Admin group whose members see it. */
    adminGroupId: string;
    /** How Holdfast signs in to AWS: `access-key` of an IAM user; `role`, which is assumed with an access key or, without one, with the node’s own credentials; `ambient`, the node’s own credentials directly, for vaults that the configuration names; or `manual`, not at all. */
    type: 'manual' | 'access-key' | 'role' | 'ambient';
    /** 12 digits; empty if unknown. AWS reports it for all types but `manual`. */
    awsAccountId: string;
    /** Region of CloudKeys that are created without one. */
    defaultRegion: string;
    /** AWS partition. */
    partition: 'aws' | 'aws-cn' | 'aws-us-gov' | 'aws-eusc';
    /** Use AWS’s FIPS endpoints; STS has them only in the United States. */
    fips: boolean;
    accessKeyId: string | null;
    /** When IAM created it or, if that is unknown, when it was entered. */
    accessKeyCreatedAt: string | null;
    roleArn: string | null;
    /** For the trust policy of the role; generated by Holdfast, so that no other CSP account can assume the role. */
    externalId: string | null;
    /** Rotation schedule of the access key. */
    accessKeyRotation: {
      /** Null for never. */
      days: number | null;
    };
    nextAccessKeyRotationAt: string | null;
    /** Progress of a rotation; null if none is in progress. */
    accessKeyRotationState: ('CREATING' | 'VERIFYING' | 'SWITCHED') | null;
    /** Why it stopped; it is retried automatically. */
    accessKeyRotationProblem: {
      /** AWS’s name for it, or one of ours. */
      code: string;
      message: string;
      remediation: string;
    } | null;
    accessKeyRotationRetryAt: string | null;
    /** What the last check found; null with type `manual`. */
    check: {
      /** UTC, ISO 8601 with milliseconds. */
      at: string;
      /** Whether AWS accepts the credential and every permission that key stores and keys need is present. */
      ok: boolean;
      /** The identity behind the credential; null if AWS does not accept it. */
      arn: string | null;
      accountId: string | null;
      /** How permissions were checked: by simulation in IAM, or by trying what only reads. */
      method: 'simulated' | 'tried' | 'none';
      /** Actions that are not allowed. One that was allowed a moment ago may still be listed: a change takes effect in AWS after seconds, sometimes minutes. */
      missing: string[];
      /** Actions that could not be checked. */
      notTried: string[];
      /** What is wrong or unwise about the credential; null if nothing is. */
      problem: {
        /** AWS’s name for it, or one of ours. */
        code: string;
        message: string;
        remediation: string;
      } | null;
    } | null;
    /** UTC, ISO 8601 with milliseconds. */
    createdAt: string;
    /** UTC, ISO 8601 with milliseconds. */
    updatedAt: string;
  };
  CspAccountPage: {
    items: Schemas['CspAccount'][];
    /** Pass it as `cursor` to get the next page; null at the end. */
    next: string | null;
  };
  CspAccountPolicy: {
    /** The least-privilege policy of the IAM user or role. */
    policy: {
      Version: '2012-10-17';
      Statement: Record<string, unknown>[];
    };
    /** Trust policy of the role, with its external id; null for other types. */
    trustPolicy: {
      Version: '2012-10-17';
      Statement: Record<string, unknown>[];
    } | null;
    /** Policy of the IAM user whose access key assumes the role; null without one. */
    assumingPolicy: {
      Version: '2012-10-17';
      Statement: Record<string, unknown>[];
    } | null;
    /** What each statement is for. */
    statements: {
      sid: string;
      why: string;
    }[];
  };
  DoctorFinding: {
    /** The check, such as `certificate.chain`; the first word is its group. */
    id: string;
    level: 'OK' | 'WARNING' | 'PROBLEM' | 'SKIPPED';
    title: string;
    /** The external key id, token or file that it is about, if there are several. */
    subject: string | null;
    /** What was found. */
    seen: string;
    /** Why it matters. */
    why: string;
    /** What to do; null if nothing has to be done. */
    remediation: string | null;
  };
  DoctorFindingInput: {
    /** The check, such as `certificate.chain`; the first word is its group. */
    id: string;
    level: 'OK' | 'WARNING' | 'PROBLEM' | 'SKIPPED';
    title: string;
    /** The external key id, token or file that it is about, if there are several. */
    subject: string | null;
    /** What was found. */
    seen: string;
    /** Why it matters. */
    why: string;
    /** What to do; null if nothing has to be done. */
    remediation: string | null;
  };
  DoctorReport: {
    /** The last one; null if there is none. */
    report: {
      /** UTC, ISO 8601 with milliseconds. */
      at: string;
      /** Who handed it in. */
      by: string;
      /** Machine on which the doctor ran, as it says. */
      hostname: string;
      /** What it looked at, such as `https://xks.example.com:443`. */
      endpoint: string;
      findings: Schemas['DoctorFinding'][];
    } | null;
  };
  ExternalKeyStore: {
    id: string;
    keySetId: string;
    keySetName: string;
    cspAccountId: string | null;
    region: string;
    name: string;
    /** Its id in AWS; null while unknown. */
    customKeyStoreId: string | null;
    /** Created by Holdfast, found in AWS, or managed manually. */
    origin: 'HOLDFAST' | 'LINKED' | 'MANUAL';
    /** How AWS KMS reaches the proxy. */
    connectivity: 'PUBLIC_ENDPOINT' | 'VPC_ENDPOINT_SERVICE';
    uriEndpoint: string;
    /** As seen in AWS; empty if it was never read. */
    uriPath: string;
    vpcEndpointServiceName: string | null;
    vpcEndpointServiceOwner: string | null;
    /** XKS credential that AWS has. */
    accessKeyId: string | null;
    /** The one that AWS is being given: until this is null, AWS may have either. */
    pendingAccessKeyId: string | null;
    /** Those of this key store, and when AWS last used each. */
    credentials: {
      accessKeyId: string;
      /** OLD: AWS had it before; it is retired once it is idle. */
      role: 'CURRENT' | 'PENDING' | 'OLD';
      state: 'LIVE' | 'EXPIRED' | 'WITHDRAWN' | 'RETIRED' | 'UNKNOWN';
      lastSeenAt: string | null;
    }[];
    /** What was requested and AWS has not confirmed yet. */
    wanted: ('CREATE' | 'CONNECT' | 'DISCONNECT' | 'DELETE' | 'UPDATE') | null;
    /** Connection state in AWS. UNKNOWN: it could not be read last time, or it is managed manually. */
    state:
      | 'CREATING'
      | 'DISCONNECTED'
      | 'CONNECTING'
      | 'CONNECTED'
      | 'DISCONNECTING'
      | 'FAILED'
      | 'NOT_FOUND'
      | 'UNKNOWN';
    /** The last state that could be read. */
    lastKnownState: string;
    /** Why it is FAILED. */
    connectionError: {
      /** As AWS has it. */
      code: string;
      meaning: string;
      /** The usual cause. */
      cause: string;
      remediation: string;
      /** Where AWS documents it. */
      source: string;
    } | null;
    /** Why the last act on it, or the last refresh, failed. */
    problem: {
      /** Error code of AWS KMS; empty if it is not from AWS. */
      operation: string;
      code: string;
      message: string;
      remediation: string;
      /** UTC, ISO 8601 with milliseconds. */
      at: string;
      /** Number of consecutive failures. */
      times: number;
    } | null;
    /** What does not match, with its remediation. */
    warnings: {
      code: string;
      message: string;
      remediation: string;
    }[];
    /** When it was last read from AWS. */
    checkedAt: string | null;
    /** When it is read from AWS next, and what is wanted continues; null: not automatically. */
    nextCheckAt: string | null;
    /** UTC, ISO 8601 with milliseconds. */
    createdAt: string;
    /** UTC, ISO 8601 with milliseconds. */
    updatedAt: string;
  };
  ExternalKeyStoreByHand: {
    externalKeyStore: Schemas['ExternalKeyStore'];
    /** URL in the AWS console. */
    url: string;
    steps: string[];
    fields: {
      label: string;
      value: string;
    }[];
    /** The AWS CLI command that does the same. */
    command: string;
    /** Name of the file that the command reads its request from. */
    requestFile: string;
    /** Access key id of the credential that was issued. */
    accessKeyId?: string;
    /** The proxy configuration file for the AWS KMS console; shown only once. */
    consoleFile?: {
      XksProxyUriPath: string;
      XksProxyAuthenticationCredential: {
        AccessKeyId: string;
        RawSecretAccessKey: string;
      };
    };
    /** The request for the AWS CLI command; if it contains the secret, shown only once. */
    request?: Record<string, unknown>;
  };
  ExternalKeyStoreCandidate: {
    customKeyStoreId: string;
    name: string;
    state: string;
    /** How AWS KMS reaches the proxy. */
    connectivity: 'PUBLIC_ENDPOINT' | 'VPC_ENDPOINT_SERVICE';
    uriEndpoint: string;
    uriPath: string;
    accessKeyId: string;
    /** Which of its properties match the key set. */
    matches: ('PATH' | 'ENDPOINT' | 'CREDENTIAL')[];
    /** Whether it can be linked: its path matches the key set’s. */
    fits: boolean;
    /** The external key store record that it is linked as already. */
    linkedAs: string | null;
    createdAt: string | null;
  };
  ExternalKeyStoreCandidatePage: {
    items: Schemas['ExternalKeyStoreCandidate'][];
    /** Pass it as `cursor` to get the next page; null at the end. */
    next: string | null;
  };
  ExternalKeyStoreDeletion: {
    /** False: AWS has to disconnect it first; it is deleted after that. */
    deleted: boolean;
    externalKeyStore: Schemas['ExternalKeyStore'] | null;
  };
  ExternalKeyStorePage: {
    items: Schemas['ExternalKeyStore'][];
    /** Pass it as `cursor` to get the next page; null at the end. */
    next: string | null;
  };
  ExternalKeyStoreRotation: {
    externalKeyStore: Schemas['ExternalKeyStore'];
    /** URL in the AWS console. */
    url?: string;
    steps?: string[];
    fields?: {
      label: string;
      value: string;
    }[];
    /** The AWS CLI command that does the same. */
    command?: string;
    /** Name of the file that the command reads its request from. */
    requestFile?: string;
    /** Access key id of the credential that was issued. */
    accessKeyId?: string;
    /** The proxy configuration file for the AWS KMS console; shown only once. */
    consoleFile?: {
      XksProxyUriPath: string;
      XksProxyAuthenticationCredential: {
        AccessKeyId: string;
        RawSecretAccessKey: string;
      };
    };
    /** The request for the AWS CLI command; if it contains the secret, shown only once. */
    request?: Record<string, unknown>;
  };
  /** Requests of one minute that were answered with an error and differ in nothing but time, address, KMS request id and KMS key. */
  FailedRequest: {
    id: string;
    /** UTC, ISO 8601 with milliseconds. */
    firstAt: string;
    /** UTC, ISO 8601 with milliseconds. */
    lastAt: string;
    /** How many requests this stands for. */
    count: number;
    /** Of the XKS API; empty for a path that is none of it, and of the rest. */
    operation: string;
    /** Of the XKS API. */
    error: string;
    /** What AWS was told. */
    message: string;
    /** What tells more: why a signature was refused, the fault of the token, the state of the CloudKey, whose quota was spent. */
    reason: string;
    /** Whether AWS KMS retries it and counts it against the reliability of the proxy. */
    retryable: boolean;
    /** What to do about it. */
    remediation: string;
    /** Null where the request was not authenticated, the key set is deleted, and of the rest. */
    keySet: {
      id: string;
      name: string;
    } | null;
    /** Null where there is none of this external key id in the key set. */
    cloudKey: {
      id: string;
      name: string;
    } | null;
    /** As the request named it; empty if it named none. */
    externalKeyId: string;
    /** Who called AWS KMS: an ARN, a service principal or `AWS Internal`. As AWS sent it, up to 512 characters; empty if it sent none. */
    principal: string;
    /** The AWS service that called for them. As AWS sent it, up to 512 characters; empty if it sent none. */
    viaService: string;
    /** What was asked of AWS KMS, such as `GenerateDataKey`. As AWS sent it, up to 512 characters; empty if it sent none. */
    kmsOperation: string;
    /** Of the last of them. As AWS sent it, up to 512 characters; empty if it sent none. */
    kmsKeyArn: string;
    /** Of the last of them: CloudTrail and the log of the node have it too. As AWS sent it, up to 512 characters; empty if it sent none. */
    kmsRequestId: string;
    /** Where the last of them came from. */
    address: string;
  };
  FailedRequestPage: {
    items: Schemas['FailedRequest'][];
    /** Pass it as `cursor` to get the next page; null at the end. */
    next: string | null;
  };
  /** A difference; fields are null if no record has them. */
  Finding: {
    /** `interrupted`: an act that was not completed. `missing`: a version without its key object; what was encrypted with it cannot be decrypted. `in-replaced-token`: a version whose key object was left in a token that another replaced, and is not in that one; or one that is to be destroyed, and may be in an HSM that is not asked. `orphan`: a key object of Holdfast without a record. `drift`: a key object that differs from how it was generated, or from its record. `duplicate`: several key objects with the same CKA_ID, none of which can be used. */
    kind:
      | 'interrupted'
      | 'missing'
      | 'in-replaced-token'
      | 'orphan'
      | 'drift'
      | 'duplicate'
      | 'unfit'
      | 'unproven'
      | 'seal-broken';
    /** What was done about it; `none` and `failed` need attention. */
    outcome: 'finished' | 'undone' | 'destroyed' | 're-entered' | 'proven' | 'failed' | 'none';
    detail: string;
    vaultId: string | null;
    keySetId: string | null;
    cloudKeyId: string | null;
    /** Name of the CloudKey. */
    name: string | null;
    externalKeyId: string | null;
    version: number | null;
    /** CKA_ID of the key object, in hexadecimal digits. */
    objectId: string;
    /** CKA_LABEL of the key object, where the token was asked for it. */
    label: string | null;
    /** The member of the HSM group that lacks the right key object, if another member has it; null otherwise, and in older reports. */
    member: string | null;
  };
  FoundCloudKey: {
    id: string;
    name: string;
    vaultId: string;
    vaultName: string;
    keySetId: string;
    keySetName: string;
    state: 'CREATING' | 'AVAILABLE' | 'DISABLED' | 'EXPIRED' | 'PENDING_DELETION' | 'DELETED';
    /** The state that applies to requests; all but AVAILABLE refuse them. */
    effectiveState:
      'CREATING' | 'AVAILABLE' | 'DISABLED' | 'EXPIRED' | 'PENDING_DELETION' | 'DELETED' | 'FROZEN';
    /** When its key set or vault was frozen. */
    frozenSince: string | null;
  };
  FoundCloudKeys: {
    cloudKeys: Schemas['FoundCloudKey'][];
  };
  IamPrincipal: {
    name: string;
    arn: string;
    path: string;
    createdAt: string | null;
  };
  IamPrincipalPage: {
    items: Schemas['IamPrincipal'][];
    /** Pass it as `cursor` to get the next page; null at the end. */
    next: string | null;
  };
  /** Where what was done is in force. */
  InForce: {
    /** Whether every node goes by all that had been done by then: when the request began, or up to the revision that was asked for. */
    inForce: boolean;
    /** Up to which revision of the store that is told. Null where the last change has no mark by which it could be asked for again. */
    revision: string | null;
    /** Nodes whose XKS workers serve from memory. 0 where all ask the store at each request: then all is in force at once. */
    nodes: number;
    /** How many of them have confirmed it, and finished what began before. */
    confirmed: number;
    /** How many were not heard and serve nothing from memory any more. */
    ended: number;
    /** Nodes that are waited for. */
    waiting: {
      /** Id of the node. */
      nodeId: string;
      hostname: string;
      /** After so long it serves nothing from memory any more, heard or not. */
      seconds: number;
    }[];
  };
  IssuedCredential: {
    /** Access key id: what AWS signs its requests with. */
    accessKeyId: string;
    /** RETIRED: withdrawn automatically after its successor took over. Only LIVE ones are accepted. */
    state: 'LIVE' | 'EXPIRED' | 'WITHDRAWN' | 'RETIRED';
    /** When it expires; null for never. */
    expiresAt: string | null;
    retireAfterQuietMinutes: number | null;
    /** Access key id of the credential that takes its place. */
    successor: string | null;
    /** When it was last used to sign a request; null if never. */
    lastSeenAt: string | null;
    /** Address of that request. */
    lastAddress: string | null;
    /** Number of requests signed with it. */
    requests: number;
    /** UTC, ISO 8601 with milliseconds. */
    createdAt: string;
    withdrawnAt: string | null;
    /** The secret access key, shown only once: 44 characters, to be used as they are. */
    rawSecretAccessKey?: string;
    /** The proxy configuration file for the AWS KMS console; shown only once. */
    consoleFile?: {
      XksProxyUriPath: string;
      XksProxyAuthenticationCredential: {
        AccessKeyId: string;
        RawSecretAccessKey: string;
      };
    };
  };
  KeySet: {
    id: string;
    name: string;
    /** Free text. */
    description: string;
    /** Admin group whose members see it; null for none. Cloud admins name one of their own. */
    adminGroupId: string | null;
    /** CSP account that it belongs to; null for none. */
    cspAccountId: string | null;
    /** Token that its keys are in. */
    token: string;
    /** Whether AWS may use it as an external key store; if false, its credentials are refused. */
    externalKeyStore: boolean;
    /** Without slashes around it; empty for none. */
    pathPrefix: string;
    /** The URI path for the external key store in AWS KMS (XksProxyUriPath). */
    xksProxyUriPath: string;
    /** Days of 24 hours between rotations of CloudKeys without a schedule of their own. */
    rotation: {
      /** Null for never. */
      days: number | null;
    };
    /** FROZEN: every request for one of its keys gets InvalidStateException, because it is frozen itself or its vault is. */
    state: 'ACTIVE' | 'FROZEN';
    /** The freezes in effect; its keys are usable once there are none. */
    frozenSince: {
      /** Frozen individually. */
      keySet: string | null;
      /** Its vault is frozen by the vault’s administrators. */
      vault: string | null;
      /** Its vault is frozen by the appliance’s administrators. */
      appliance: string | null;
    };
    /** XKS requests per second, and the largest burst; null for no quota. */
    quota: {
      requestsPerSecond: number;
      burst: number;
    } | null;
    /** Number of CloudKeys that are not DELETED. */
    cloudKeys: number;
    /** Number of external key stores of AWS KMS that connect to it. */
    externalKeyStores: number;
    /** Number of credentials that are LIVE. */
    liveCredentials: number;
    /** UTC, ISO 8601 with milliseconds. */
    createdAt: string;
    /** UTC, ISO 8601 with milliseconds. */
    updatedAt: string;
    /** What to fix before AWS uses it, such as another key set that has no path prefix either. Not returned in lists. */
    warnings?: {
      code: string;
      message: string;
      remediation: string;
    }[];
  };
  KeySetFreezes: {
    /** Number of key sets requested; all of them are in this state now. */
    keySets: number;
    /** How many of them were changed by this. */
    changed: number;
  };
  KeySetPage: {
    items: Schemas['KeySet'][];
    /** Pass it as `cursor` to get the next page; null at the end. */
    next: string | null;
  };
  KeyVersionPage: {
    items: Schemas['CloudKeyVersion'][];
    /** Pass it as `cursor` to get the next page; null at the end. */
    next: string | null;
  };
  KmsKey: {
    id: string;
    cloudKeyId: string;
    cloudKeyName: string;
    externalKeyId: string;
    keySetId: string;
    externalKeyStoreId: string;
    /** AWS Region such as `eu-central-1`; empty if none was given. */
    region: string;
    /** The AWS account: of its ARN, else of the CSP account; null if unknown. */
    accountId: string | null;
    /** Created by Holdfast; created manually and found in AWS; or created manually and recorded as given. */
    origin: 'HOLDFAST' | 'LINKED' | 'MANUAL';
    keyId: string | null;
    keyArn: string | null;
    alias: string;
    description: string;
    tags: Record<string, string>;
    /** What is created next in AWS: the KMS key, its alias, nothing. GONE: the KMS key record was removed. */
    step: 'KEY' | 'ALIAS' | 'DONE' | 'GONE';
    /** Set while the KMS key record is being removed: the KMS key stays, or its deletion is scheduled first. */
    leaving: ('KEEP' | 'DELETE') | null;
    /** With GONE: what became of the KMS key. */
    outcome: ('KEPT' | 'DELETION_SCHEDULED' | 'NEVER_MADE' | 'GONE_IN_AWS') | null;
    problem: {
      /** AWS’s operation. */
      operation: string;
      /** `waiting`: for something that does not exist yet. `settling`: AWS does not show yet what was just created or changed. `proxy`: AWS KMS got no good answer from the proxy. All of them are retried automatically. */
      fault: string;
      /** AWS’s name for it, or ours. */
      code: string;
      message: string;
      remediation: string;
      /** UTC, ISO 8601 with milliseconds. */
      at: string;
      /** The KMS key that prevents it. */
      keyArn?: string;
      /** Number of consecutive failures of this kind. */
      times?: number;
      /** When AWS was asked for what it does not show yet. */
      since?: string;
    } | null;
    /** Failed attempts since the last success. */
    attempts: number;
    nextAttemptAt: string | null;
    /** Requested and not confirmed by AWS yet: it is retried. */
    wanted: ('ENABLE' | 'DISABLE' | 'SCHEDULE_DELETION' | 'CANCEL_DELETION') | null;
    /** What remains to be changed in AWS. */
    toApply: ('policy' | 'alias' | 'description' | 'tags')[];
    /** As last seen in AWS. UNKNOWN: it could not be read, or the key store is not connected. */
    cloudStatus: 'AVAILABLE' | 'DISABLED' | 'PENDING_DELETION' | 'NOT_FOUND' | 'UNKNOWN';
    cloudStatusAt: string | null;
    /** The KeyState in AWS. `Unavailable`: the key store is disconnected. */
    awsState: string | null;
    /** When AWS deletes it. */
    awsDeletionAt: string | null;
    /** Null if AWS does not report it. */
    awsAliases: string[] | null;
    policySource: 'generated' | 'generated-without-root' | 'document';
    /** The key policy of the record and the one in AWS; null if unknown. */
    policy: {
      ours: unknown;
      aws: unknown;
    };
    /** Differences between the record and AWS. */
    drift: {
      what: 'policy' | 'alias' | 'description' | 'tags' | 'state' | 'key-store';
      ours: unknown;
      aws: unknown;
      note?: string;
    }[];
    /** What AWS still shows exactly as it was before Holdfast changed it, because AWS is eventually consistent. It counts as drift once AWS has shown the change, and in any case two minutes (`state`) or ten minutes (the rest) after it. */
    mayBeStale: {
      what: 'policy' | 'alias' | 'description' | 'tags' | 'state' | 'key-store';
      /** When AWS was first seen to show this. */
      since: string;
    }[];
    /** UTC, ISO 8601 with milliseconds. */
    createdAt: string;
    /** UTC, ISO 8601 with milliseconds. */
    updatedAt: string;
  };
  KmsKeyConsole: {
    /** AWS Region such as `eu-central-1`; empty if none was given. */
    region: string;
    accountId: string;
    keyStoreName: string;
    customKeyStoreId: string;
    externalKeyId: string;
    alias: string;
    description: string;
    tags: Record<string, string>;
    /** The key policy; null if the AWS account id is unknown. */
    policy: unknown;
    /** Steps in the AWS console. */
    steps: string[];
    /** The same with the AWS CLI; the policy is in `policy.json`. */
    commands: string[];
  };
  KmsKeyPage: {
    items: Schemas['KmsKey'][];
    /** Pass it as `cursor` to get the next page; null at the end. */
    next: string | null;
  };
  /** The last change of something that the store has lost by going back in time. */
  LostChange: {
    id: string;
    /** `everything`: too much to be named. `nothing`: an act that changed nothing of what AWS is served by. */
    kind: 'vault' | 'key-set' | 'path-prefixes' | 'cloud-key' | 'credential' | 'everything' | 'nothing';
    /** External key id of a CloudKey, access key id of a credential, id of a key set or vault; else empty. */
    name: string;
    /** The state for which requests were refused after it, and are refused still; null where they were not. UNKNOWN: a node of an older version made it, and it counts as refused. */
    refused:
      | (
          | 'DISABLED'
          | 'EXPIRED'
          | 'PENDING_DELETION'
          | 'DELETED'
          | 'FROZEN'
          | 'WITHDRAWN'
          | 'NO_KEY_STORE'
          | 'UNKNOWN'
        )
      | null;
    /** When it expired, or was to expire, after it. */
    expiresAt: string | null;
    /** What the CloudKey could not be used for after it. */
    without: ('ENCRYPT' | 'DECRYPT')[];
    /** Revision of the store that it was, in the history that is lost. */
    revision: number;
    /** Node that knew it, and reported it first. */
    nodeId: string;
    hostname: string;
    /** UTC, ISO 8601 with milliseconds. */
    noticedAt: string;
    decidedAt: string | null;
    /** `applied`: what it took away was taken away again; `as-in-store`: the older state of the store counts. */
    decision: ('applied' | 'as-in-store') | null;
  };
  LostChangePage: {
    items: Schemas['LostChange'][];
    /** Pass it as `cursor` to get the next page; null at the end. */
    next: string | null;
  };
  LostChangesApplied: {
    /** Number of lost changes that this decided. */
    decided: number;
    /** Number of records that were changed by it; the others are refused already, or are not there. */
    changed: number;
  };
  LostChangesLeft: {
    /** Number of lost changes that this decided. */
    decided: number;
  };
  MailSettings: {
    /** DNS name or IP address of the mail server. */
    host: string;
    /** Usually 587 for `starttls`, 465 for `tls`. */
    port: number;
    /** TLS from the start, STARTTLS, or none, which is allowed only to this machine itself. */
    security: 'tls' | 'starttls' | 'none';
    /** Null for a server without authentication. */
    username: string | null;
    /** Sender of the messages. */
    from: string;
    /** CAs that the server’s certificate must chain to, in PEM form; null for those of the system. */
    caCertificates: string | null;
    /** Whether there is a password; it is never shown. */
    hasPassword: boolean;
    /** UTC, ISO 8601 with milliseconds. */
    updatedAt: string;
  };
  /** A node that uses this database. */
  Node: {
    /** Generated at its first start and kept in its state directory. */
    id: string;
    hostname: string;
    /** Version of Holdfast that it runs, with the commit that it was built from: `0.4.0+1e526947c0de`. */
    version: string;
    /** UP: it has reported within the last minute; DRAINING: it has, and is drained; DOWN: it has not, or was stopped. */
    state: 'UP' | 'DRAINING' | 'DOWN';
    /** Whether it said, when it reported last, that it takes requests of AWS: it listens, has a token that can be used, and is neither drained nor about to end. */
    serves: boolean;
    /** UTC, ISO 8601 with milliseconds. */
    startedAt: string;
    /** UTC, ISO 8601 with milliseconds. */
    lastSeenAt: string;
    /** When it was stopped; null while it runs, and where it was killed. */
    stoppedAt: string | null;
    /** Since when it is drained; null where it is not. */
    drainedAt: string | null;
    /** Its tokens; null where it runs a version that does not report them. */
    tokens:
      | {
          /** Its name in the configuration of the node. */
          name: string;
          /** Serial number that the token reports; null until a token host has opened it. */
          serial: string | null;
          /** Label that the token reports. */
          label: string | null;
          /** Version of its firmware that the token reports; null until a token host has opened it, or if the node runs a version that does not report it. */
          firmware: string | null;
          /** The vendor’s product, according to the profile. */
          model: string;
          /** ACTIVE: all token hosts of the node’s XKS workers serve; DEGRADED: some; UNAVAILABLE: none. */
          health: 'ACTIVE' | 'DEGRADED' | 'UNAVAILABLE';
          /** Token hosts that the XKS workers of the node are to have together. */
          hosts: number;
          /** How many of them serve. */
          hostsUp: number;
        }[]
      | null;
    /** The database as it finds it; null where it runs a version that does not report it. */
    database: {
      kind: 'sqlite' | 'postgres';
      /** What its configuration claims of the database (`store.durability`); null for a file. */
      durability: string | null;
      /** What the database server does not do of that. */
      problems: string[];
    } | null;
    /** For a store in PostgreSQL; null for a file, and if no XKS worker of the node holds a lease. */
    leases: {
      /** XKS workers that serve from memory under a lease; one that was killed is counted until its lease was waited for. */
      workers: number;
      /** Length of the lease. */
      seconds: number;
      /** The revision of the store that all of them have confirmed; null if one has confirmed none yet. */
      confirmedRevision: number | null;
    } | null;
    /** How far its clock is ahead of the database server’s; null for a file, or where not reported. */
    clockOffsetMilliseconds: number | null;
    /** Revision of the store that it had read when it reported last; null where not reported. */
    revision: number | null;
  };
  NodePage: {
    items: Schemas['Node'][];
    /** Pass it as `cursor` to get the next page; null at the end. */
    next: string | null;
  };
  OidcProvider: {
    /** The provider’s issuer, exactly as in its metadata: https, without query and fragment. */
    issuer: string;
    /** The client id of Holdfast at the provider. */
    clientId: string;
    /** Scopes to request; must include `openid`. */
    scopes: string[];
    /** The claim that identifies a user at the first sign-in: an email address that the provider has verified (`email_verified` is true) and that exactly one user has, or a username. From then on the user is identified by the provider’s `sub`. A provider that never sends `email_verified`, such as Microsoft Entra ID, needs `preferred_username`. */
    usernameClaim: 'email' | 'preferred_username';
    /** CAs that the provider’s certificates must chain to, in PEM form; null for those of the system. */
    caCertificates: string | null;
    /** Whether there is a client secret; it is never shown. */
    hasClientSecret: boolean;
    /** To be registered at the provider. */
    redirectUri: string;
    /** UTC, ISO 8601 with milliseconds. */
    createdAt: string;
    /** UTC, ISO 8601 with milliseconds. */
    updatedAt: string;
  };
  OneCloudKey: {
    id: string;
    keySetId: string;
    keySetName: string;
    name: string;
    /** Free text. */
    description: string;
    /** How AWS refers to it (XksKeyId); permanent. */
    externalKeyId: string;
    /** Only AVAILABLE ones can be used. CREATING: its key object is being generated. */
    state: 'CREATING' | 'AVAILABLE' | 'DISABLED' | 'EXPIRED' | 'PENDING_DELETION' | 'DELETED';
    /** The state that applies to requests: `state`, or FROZEN if it is AVAILABLE and its key set or vault is FROZEN. */
    effectiveState:
      'CREATING' | 'AVAILABLE' | 'DISABLED' | 'EXPIRED' | 'PENDING_DELETION' | 'DELETED' | 'FROZEN';
    /** AWS Region such as `eu-central-1`; empty if none was given. */
    region: string;
    /** ARNs of IAM users and roles that may administer the KMS key; none twice. */
    administrators: string[];
    /** ARNs of IAM users and roles that may use the KMS key; none twice. */
    users: string[];
    usage: 'encrypt-decrypt' | 'encrypt-only' | 'decrypt-only' | 'neither';
    /** The version that encrypts. */
    currentVersion: number;
    /** Rotation schedule. */
    rotation:
      | {
          kind: 'INHERIT';
        }
      | {
          kind: 'NEVER';
        }
      | {
          kind: 'DAYS';
          /** Days of 24 hours. */
          days: number;
        };
    /** When the current version was created. */
    rotatedAt: string;
    /** When it is rotated next; null for never. */
    nextRotationAt: string | null;
    expiresAt: string | null;
    /** With PENDING_DELETION: when its key objects are destroyed. */
    deletionAt: string | null;
    deletedAt: string | null;
    /** XKS requests per second, and the largest burst; null for no quota. */
    quota: {
      requestsPerSecond: number;
      burst: number;
    } | null;
    /** How often AWS has used it, and when last. */
    use: {
      encrypts: number;
      lastEncryptAt: string | null;
      decrypts: number;
      lastDecryptAt: string | null;
    };
    /** Its KMS keys in AWS, one for each external key store. */
    kmsKeys: Schemas['ShortKmsKey'][];
    /** UTC, ISO 8601 with milliseconds. */
    createdAt: string;
    /** UTC, ISO 8601 with milliseconds. */
    updatedAt: string;
    /** Token that holds its key objects. */
    token: string;
    /** Who created or adopted it, at `createdAt`. Null if the audit event of it was pruned, and for callers who may not read the audit trail. */
    madeBy: {
      /** `user`, `api-key`, `command` or `system`. */
      kind: string;
      name: string;
    } | null;
    /** The freezes of its key set and vault: it cannot be used while there is one, and each is ended by itself. */
    frozenBy: {
      /** `key-set`: its key set is frozen; `vault`: the vault is, until its own administrators thaw it; `appliance`: the vault is, until the appliance’s administrators thaw it. */
      by: 'key-set' | 'vault' | 'appliance';
      /** UTC, ISO 8601 with milliseconds. */
      since: string;
    }[];
  };
  OpenedSession: {
    session: Schemas['Session'];
    /** Send it as `Authorization: Bearer`; missing if the session is in a cookie. */
    token?: string;
    /** For a session in a cookie: send it as X-CSRF-Token with every request that changes something. */
    csrfToken?: string;
  };
  /** Result of comparing the records with the tokens. */
  Reconciliation: {
    id: string;
    /** The vault that it was limited to; null for all. */
    vaultId: string | null;
    /** UTC, ISO 8601 with milliseconds. */
    beganAt: string;
    /** UTC, ISO 8601 with milliseconds. */
    endedAt: string;
    /** `start` for the start of a node, or who requested it; a vault is not told which user of the appliance. */
    askedBy: string;
    /** Whether every token was compared and nothing needs attention. */
    clean: boolean;
    tokens: {
      token: string;
      /** False if the token could not be read; `problem` says why. */
      compared: boolean;
      problem: string | null;
      /** Number of key objects of Holdfast in the token; shown only to the appliance. */
      keyObjects: number | null;
      /** Number of findings of each kind, including those not listed. */
      counts: {
        interrupted: number;
        missing: number;
        'in-replaced-token': number;
        orphan: number;
        drift: number;
        duplicate: number;
        unfit: number;
        unproven: number;
        'seal-broken': number;
      };
      findings: Schemas['Finding'][];
    }[];
  };
  ReconciliationPage: {
    items: Schemas['Reconciliation'][];
    /** Pass it as `cursor` to get the next page; null at the end. */
    next: string | null;
  };
  RecoveryCodes: {
    /** Shown only once. Each works once, in place of a code from the app. */
    recoveryCodes: string[];
  };
  ResetVaultAdministrator: {
    /** Not case-sensitive. */
    username: string;
    /** The first password, shown only once, if it was not sent by mail. Valid for seven days. */
    firstPassword?: string;
    /** Whether the first password was sent to the user by mail. */
    mailed: boolean;
    /** Why no mail was sent. */
    mailProblem?: string;
  };
  Session: {
    id: string;
    /** What the session must complete before it can do anything else; ACTIVE if nothing. */
    state: 'SECOND_FACTOR' | 'PASSWORD_CHANGE' | 'ACTIVE';
    /** How the user signed in. */
    method: 'password' | 'oidc';
    /** Address that the session was started from. */
    address: string;
    userAgent: string;
    /** UTC, ISO 8601 with milliseconds. */
    createdAt: string;
    /** When it was last used, to within half a minute. */
    lastSeenAt: string;
    /** When it ends at the latest, however busy. */
    expiresAt: string;
    /** After so many minutes without a request it ends. */
    idleMinutes: number;
    /** Whether it is the current session. */
    current: boolean;
    user: {
      id: string;
      username: string;
      displayName: string;
      role: 'appliance-admin' | 'appliance-auditor' | 'vault-admin' | 'cloud-admin' | 'auditor';
      /** Null for users of the appliance. */
      vaultId: string | null;
      permissions: (
        | 'appliance.read'
        | 'metrics.read'
        | 'vaults.write'
        | 'vaults.freeze'
        | 'cloud-keys.find'
        | 'tokens.verify'
        | 'nodes.write'
        | 'lost-changes.decide'
        | 'appliance.write'
        | 'appliance-users.write'
        | 'appliance-audit.prune'
        | 'vault.read'
        | 'vault.write'
        | 'vault.freeze'
        | 'findings.acknowledge'
        | 'users.read'
        | 'users.write'
        | 'csp-accounts.write'
        | 'key-sets.write'
        | 'credentials.write'
        | 'cloud-keys.write'
        | 'cloud-keys.adopt'
        | 'cloud-keys.delete'
        | 'audit.read'
        | 'audit.prune'
        | 'reconcile.run'
      )[];
      /** Whether the user has a second factor. */
      secondFactor: boolean;
    };
    /** For a session in a cookie: send it as X-CSRF-Token with every request that changes something. */
    csrfToken?: string;
  };
  SessionPage: {
    items: Schemas['Session'][];
    /** Pass it as `cursor` to get the next page; null at the end. */
    next: string | null;
  };
  ShortKmsKey: {
    id: string;
    /** AWS Region such as `eu-central-1`; empty if none was given. */
    region: string;
    /** The AWS account: of its ARN, else of the CSP account; null if unknown. */
    accountId: string | null;
    /** Created by Holdfast; created manually and found in AWS; or created manually and recorded as given. */
    origin: 'HOLDFAST' | 'LINKED' | 'MANUAL';
    keyArn: string | null;
    alias: string;
    /** What is created next in AWS: the KMS key, its alias, nothing. GONE: the KMS key record was removed. */
    step: 'KEY' | 'ALIAS' | 'DONE' | 'GONE';
    /** As last seen in AWS. UNKNOWN: it could not be read, or the key store is not connected. */
    cloudStatus: 'AVAILABLE' | 'DISABLED' | 'PENDING_DELETION' | 'NOT_FOUND' | 'UNKNOWN';
    /** Requested and not confirmed by AWS yet: it is retried. */
    wanted: ('ENABLE' | 'DISABLE' | 'SCHEDULE_DELETION' | 'CANCEL_DELETION') | null;
    /** The KMS key in AWS differs from its Holdfast record. */
    drift: boolean;
    problem: {
      /** AWS’s operation. */
      operation: string;
      /** `waiting`: for something that does not exist yet. `settling`: AWS does not show yet what was just created or changed. `proxy`: AWS KMS got no good answer from the proxy. All of them are retried automatically. */
      fault: string;
      /** AWS’s name for it, or ours. */
      code: string;
      message: string;
      remediation: string;
      /** UTC, ISO 8601 with milliseconds. */
      at: string;
      /** The KMS key that prevents it. */
      keyArn?: string;
      /** Number of consecutive failures of this kind. */
      times?: number;
      /** When AWS was asked for what it does not show yet. */
      since?: string;
    } | null;
  };
  SignInOptions: {
    /** Null where none is set up. */
    singleSignOn: {
      /** Host of the OpenID Connect provider, for the words on a button. */
      issuerHost: string;
    } | null;
    /** Which of several appliances this is (`admin.environment`); null if the configuration does not say. */
    environment: {
      /** Such as `PRODUCTION`. */
      label: string;
      color: 'red' | 'amber' | 'green' | 'blue' | 'grey';
    } | null;
  };
  SignInRules: {
    passwords: {
      minLength: number;
      maxLength: number;
      /** For so long a first password can be used. */
      firstPasswordDays: number;
    };
    lockout: {
      /** So many wrong passwords or codes in a row lock the account. */
      afterFailures: number;
      /** For how long: the first time, the second …; then as the last. */
      minutes: number[];
      /** After so many it is locked until an administrator unlocks it. */
      untilUnlockedAfter: number;
    };
    sessions: {
      /** After so many minutes without a request it ends: admin.session_idle_minutes. */
      idleMinutes: number;
      /** However busy, it ends after so many: admin.session_minutes. */
      maxMinutes: number;
      /** For so long a second factor or a new password is waited for. */
      unfinishedMinutes: number;
      /** One more ends the oldest. */
      perUser: number;
    };
    apiKeys: {
      /** It expires after so many days at the latest. */
      maxDays: number;
      /** Live ones. */
      perUser: number;
    };
  };
  Status: {
    /** UTC, ISO 8601 with milliseconds. */
    at: string;
    /** Nothing needs attention but what is acknowledged. */
    ok: boolean;
    /** What needs attention, most serious first; those that are acknowledged too. */
    findings: {
      trouble:
        | 'STORE_UNWRITABLE'
        | 'STORE_WENT_BACK'
        | 'STORE_NOT_DURABLE'
        | 'TOKEN_DOWN'
        | 'TOKEN_DEGRADED'
        | 'PIN_REFUSED'
        | 'TOKEN_OWN_KEY_UNFIT'
        | 'TOKEN_IVS_MAY_REPEAT'
        | 'CERTIFICATE_EXPIRED'
        | 'CERTIFICATE_ENDS'
        | 'CERTIFICATE_NOT_TAKEN'
        | 'DISK_NEARLY_FULL'
        | 'LEASE_ENDED'
        | 'NODE_DOWN'
        | 'NODE_DRAINED'
        | 'CLOCK_OFF'
        | 'HISTORY_NOT_KEPT'
        | 'SUPERVISOR_SILENT'
        | 'QUOTA_NEAR'
        | 'RECONCILIATION_FINDINGS'
        | 'HSM_NOT_ASKED'
        | 'VAULT_FROZEN'
        | 'KEY_SET_FROZEN'
        | 'KEY_PROOF_FAILED'
        | 'ENCRYPTION_LIMIT_NEAR'
        | 'ROTATION_OVERDUE'
        | 'KEY_STORE_NOT_CONNECTED'
        | 'KMS_KEY_DRIFT'
        | 'KMS_KEY_FAILED'
        | 'CREDENTIAL_OLD'
        | 'CREDENTIAL_ENDS';
      /** The token, vault or node. */
      where: string;
      /** What it is on, a hundred at most; empty if it is on the appliance as a whole. Of what is inside a vault, users of the appliance are told the vault. */
      on: {
        kind:
          | 'vault'
          | 'key-set'
          | 'cloud-key'
          | 'xks-credential'
          | 'external-key-store'
          | 'kms-key'
          | 'token'
          | 'node';
        /** Of a token its name, of an XKS credential its access key id. */
        id: string;
        /** Of a KMS key, the name of its CloudKey. */
        name: string;
        /** The key set that it belongs to. */
        keySetId?: string;
        /** Of a KMS key, its CloudKey. */
        cloudKeyId?: string;
      }[];
      /** How many more it is on. */
      onMore: number;
      /** The finding, in a sentence. */
      message: string;
      /** The command that fixes it, or shows more. */
      remediation: string;
      /** The command in it, as it is typed; null if more than a command is needed, or others have to do it. */
      command: string | null;
      /** Of the finding as it is now, to acknowledge it by; null if it cannot be acknowledged. */
      fingerprint: string | null;
      /** The newest first; empty if the finding, or part of it, needs attention. */
      acknowledgements: {
        /** User or API key that did it. */
        by: string;
        /** UTC, ISO 8601 with milliseconds. */
        at: string;
        /** When it ends at the latest; null for once the finding changes. */
        until: string | null;
        note: string;
      }[];
    }[];
    /** For users of the appliance: what is worth knowing but needs no attention. */
    notes?: {
      /** The token. */
      where: string;
      message: string;
      /** The command that shows more. */
      more: string;
    }[];
    /** Of the node that responds. */
    version: string;
    /** Which of several appliances this is (`admin.environment`); null if the configuration does not say. */
    environment: {
      /** Such as `PRODUCTION`. */
      label: string;
      color: 'red' | 'amber' | 'green' | 'blue' | 'grey';
    } | null;
    /** For users of the appliance. */
    nodes?: {
      hostname: string;
      version: string;
      state: 'UP' | 'DRAINING' | 'DOWN';
      /** UTC, ISO 8601 with milliseconds. */
      lastSeenAt: string;
    }[];
    /** Tokens of the node that responds; in a vault, those that it may use. */
    tokens: {
      name: string;
      health: 'ACTIVE' | 'DEGRADED' | 'UNAVAILABLE';
      /** Token hosts of this node; null if its supervisor does not report them. */
      hosts: number | null;
      hostsUp: number | null;
      pinRefused: boolean;
    }[];
    certificates?: {
      listeners: ('xks' | 'management')[];
      subject: string;
      /** UTC, ISO 8601 with milliseconds. */
      expiresAt: string;
    }[];
    /** Disk of the database. */
    disk?: {
      freeBytes: number;
      totalBytes: number;
      /** Kept free for disable, freeze and withdraw. */
      reserveBytes: number;
      wholeReserveBytes: number;
    };
    /** For a store in PostgreSQL. */
    workerLeases?: {
      /** XKS workers of the node that responds. */
      workers: number;
      /** Those that hold a lease, and so serve from memory. */
      held: number;
      /** Length of the lease. */
      seconds: number;
    };
    /** Requests of AWS in the last hour, of all nodes that have told theirs. */
    traffic?: {
      /** Answered to AWS. */
      requests: number;
      /** Requests that were not answered with a retryable error, of 100; null without requests. */
      reliabilityPercent: number | null;
      /** In the last whole minute. */
      requestsPerSecond: number;
      /** 99 in 100 took no longer. */
      p99Ms: number | null;
      /** Of which nodes it is. */
      nodes: {
        /** How many nodes that are up have told theirs, within a minute or two. */
        included: number;
        /** How many nodes that are up have not: they run an older version, have no management process (`admin.enabled`), or cannot write to the database. */
        missing: number;
        /** Which those are, for users of the appliance. */
        missingHosts?: string[];
      };
    };
    /** For users of the appliance: how the nodes were in the last hour, of all that have told. */
    vitals?: {
      /** How often the nodes looked at themselves: each does every 15 seconds. */
      looks: number;
      /** By name in the configuration of the nodes. */
      tokens: {
        name: string;
        /** Token hosts that served and answered in time, of 100 that there are to be: on average. */
        fitPercent: number | null;
        /** The same, where and when it was worst. */
        leastFitPercent: number | null;
        /** Most requests of AWS that waited for a token host of one node. */
        waiting: number;
        /** Longest time that the last of these had to wait, as estimated then; null where no token host was fit. */
        estimatedWaitMs: number | null;
        /** 99 in 100 requests to the token waited no longer, in queues and on their way; null without requests. */
        p99WaitMs: number | null;
      }[];
      /** XKS workers that held a lease, and so served from memory, of 100; null for a store in a file. */
      leasesHeldPercent: number | null;
      /** What was left of a lease where and when it was least, of its length: 0 where one had ended. A worker renews its lease when a third of it is gone. */
      leastLeasePercent: number | null;
      /** Looks in which the database answered within five seconds, of 100. */
      storeUpPercent: number | null;
      /** What it took to answer a question about one row, on average. */
      storeAverageMs: number | null;
      /** What it took at the most. */
      storeSlowestMs: number | null;
      /** Encryptions that were used of the 2^32 that a key version may do, of that current version which has used most: told from a sixteenth on, 0 below; null where the database did not say. */
      budgetPercent: number | null;
      /** Days that were left of the certificate of the XKS listener that expires first, of any node; null where no node told. */
      certificateDays: number | null;
    };
    /** Events in the trails of all vaults and of the appliance. */
    auditEvents?: number;
    /** Scheduled work, and when the lease of the process that does it expires; a minute at a time. */
    schedules?: {
      name: string;
      /** UTC, ISO 8601 with milliseconds. */
      until: string;
    }[];
    vaults?: {
      total: number;
      frozen: number;
    };
    keySets: {
      total: number;
      frozen: number;
    };
    /** By state; DELETED ones are not counted. */
    cloudKeys: Record<string, number>;
    /** By state, as last seen in AWS. */
    externalKeyStores: Record<string, number>;
    credentials: {
      live: number;
    };
    /** Request quotas on the node that responds; null if its supervisor does not report them. */
    quotas: {
      /** UTC, ISO 8601 with milliseconds. */
      refusedSince: string;
      /** Requests refused since then. */
      refused: number;
      /** Key sets and CloudKeys that used at least four fifths of their quota in a minute, or had requests refused. */
      near: number;
      /** In a vault: which. */
      of?: {
        kind: 'key-set' | 'cloud-key';
        name: string;
        /** Of the quota, in the last whole minute. */
        usedPercent: number;
        refused: number;
      }[];
    } | null;
    /** When the status of KMS keys in AWS was last evaluated; null until the first time. */
    kmsKeysSeenAt: string | null;
  };
  StatusFinding: {
    trouble:
      | 'STORE_UNWRITABLE'
      | 'STORE_WENT_BACK'
      | 'STORE_NOT_DURABLE'
      | 'TOKEN_DOWN'
      | 'TOKEN_DEGRADED'
      | 'PIN_REFUSED'
      | 'TOKEN_OWN_KEY_UNFIT'
      | 'TOKEN_IVS_MAY_REPEAT'
      | 'CERTIFICATE_EXPIRED'
      | 'CERTIFICATE_ENDS'
      | 'CERTIFICATE_NOT_TAKEN'
      | 'DISK_NEARLY_FULL'
      | 'LEASE_ENDED'
      | 'NODE_DOWN'
      | 'NODE_DRAINED'
      | 'CLOCK_OFF'
      | 'HISTORY_NOT_KEPT'
      | 'SUPERVISOR_SILENT'
      | 'QUOTA_NEAR'
      | 'RECONCILIATION_FINDINGS'
      | 'HSM_NOT_ASKED'
      | 'VAULT_FROZEN'
      | 'KEY_SET_FROZEN'
      | 'KEY_PROOF_FAILED'
      | 'ENCRYPTION_LIMIT_NEAR'
      | 'ROTATION_OVERDUE'
      | 'KEY_STORE_NOT_CONNECTED'
      | 'KMS_KEY_DRIFT'
      | 'KMS_KEY_FAILED'
      | 'CREDENTIAL_OLD'
      | 'CREDENTIAL_ENDS';
    /** The token, vault or node. */
    where: string;
    /** What it is on, a hundred at most; empty if it is on the appliance as a whole. Of what is inside a vault, users of the appliance are told the vault. */
    on: {
      kind:
        | 'vault'
        | 'key-set'
        | 'cloud-key'
        | 'xks-credential'
        | 'external-key-store'
        | 'kms-key'
        | 'token'
        | 'node';
      /** Of a token its name, of an XKS credential its access key id. */
      id: string;
      /** Of a KMS key, the name of its CloudKey. */
      name: string;
      /** The key set that it belongs to. */
      keySetId?: string;
      /** Of a KMS key, its CloudKey. */
      cloudKeyId?: string;
    }[];
    /** How many more it is on. */
    onMore: number;
    /** The finding, in a sentence. */
    message: string;
    /** The command that fixes it, or shows more. */
    remediation: string;
    /** The command in it, as it is typed; null if more than a command is needed, or others have to do it. */
    command: string | null;
    /** Of the finding as it is now, to acknowledge it by; null if it cannot be acknowledged. */
    fingerprint: string | null;
    /** The newest first; empty if the finding, or part of it, needs attention. */
    acknowledgements: {
      /** User or API key that did it. */
      by: string;
      /** UTC, ISO 8601 with milliseconds. */
      at: string;
      /** When it ends at the latest; null for once the finding changes. */
      until: string | null;
      note: string;
    }[];
  };
  /** A PKCS#11 token, as this node sees it. */
  Token: {
    /** Its name in the configuration; AWS sees it as `ekmFleetDetails[].id`. */
    name: string;
    /** The profile of its PKCS#11 module. */
    profile: string;
    vendor: string;
    /** The vendor’s product, according to the profile. */
    model: string;
    /** ACTIVE: every host passed its health check within the last minute; DEGRADED: some did. */
    health: 'ACTIVE' | 'DEGRADED' | 'UNAVAILABLE';
    /** The token hosts of this node’s management process; `members[].hosts` has those of all processes. */
    hosts: {
      /** Process id; null while it starts. */
      pid: number | null;
      state: 'starting' | 'ready' | 'busy' | 'sick' | 'dead';
      /** The member of the HSM group that it is of; else the token’s name. */
      member: string;
    }[];
    /** The HSMs that hold its keys: of an HSM group two or more, else one of the token’s name. */
    members: {
      name: string;
      /** UNAVAILABLE: no token host of this node serves it. */
      health: 'ACTIVE' | 'DEGRADED' | 'UNAVAILABLE';
      /** Serial number of the HSM; null if it has not answered since this node was started. */
      serial: string | null;
      /** Label, as the token reports it (C_GetTokenInfo); null if it has not answered since this node was started, or if the node’s supervisor does not report it. */
      label: string | null;
      /** Manufacturer, as the token reports it (C_GetTokenInfo); null if it has not answered since this node was started, or if the node’s supervisor does not report it. */
      manufacturer: string | null;
      /** Model, as the token reports it (C_GetTokenInfo); null if it has not answered since this node was started, or if the node’s supervisor does not report it. */
      model: string | null;
      /** Version of the firmware, as the token reports it (C_GetTokenInfo); null if it has not answered since this node was started, or if the node’s supervisor does not report it. */
      firmware: string | null;
      /** The module’s number of the slot that it is in, which may change from one start to the next; null if it is not known. */
      slot: number | null;
      /** Whether the store has the proof that the HSM of this serial number holds the token’s keys. */
      onRecord: boolean;
      /** Since when it has been up, or, if UNAVAILABLE, down on this node; null if the node’s supervisor does not report it. */
      since: string | null;
      /** Its token hosts, of all processes of this node; null if the node’s supervisor does not report them. */
      hosts:
        | {
            /** The process of the node that it serves. */
            process: 'xks-worker' | 'management';
            /** Which XKS worker, from 0; null for the management process. */
            worker: number | null;
            /** Process id; null while it starts. */
            pid: number | null;
            /** busy: it has work; sick: it has been silent for too long with its work, and gets nothing new; dead: it is about to be replaced. */
            state: 'starting' | 'ready' | 'busy' | 'sick' | 'dead';
            /** When it passed its self-test, the IV mode included; null while it has not. */
            provenAt: string | null;
            /** Its last liveness check, every ten seconds: an encryption and a decryption with the health key. Null if there was none yet, or if its process has not told. */
            check: {
              /** When it answered. */
              at: string;
              /** What it took in the token host. */
              milliseconds: number;
              ok: boolean;
            } | null;
          }[]
        | null;
      /** It refused its PIN, which is not tried again. */
      pinRefused: boolean;
      /** Why the last of its token hosts that failed to start did so; null if none is failing. */
      failure: {
        problem: string;
        remediation: string;
      } | null;
    }[];
    /** How the IVs of AES-GCM are made. Every IV is checked again when it is used. */
    iv: {
      /** Who makes the IV, according to the profile. `caller`: Holdfast draws it with C_GenerateRandom of the token, and the token uses it as given. The others: the token makes it, in C_EncryptInit, in C_Encrypt, in either, or appended to the ciphertext. */
      mode: 'caller' | 'hsm-at-init' | 'hsm-at-encrypt' | 'hsm-in-place' | 'hsm-appended';
      /** Length of the IV. */
      bytes: number;
      /** Whether all of each IV is drawn at random: always in mode `caller`, otherwise if the profile says so (`iv.random`). If not, the token may count its IVs. */
      random: boolean;
      /** When a token host proved the mode last. Each does before it serves: it encrypts three times, demands each IV at the step that the mode names, neither zero nor used before, and decrypts with it. Null if no host is up, or if the node’s supervisor does not report it. */
      provenAt: string | null;
      /** Whether two encryptions with one key may have had the same IV: its keys were seen in several HSMs that may each count their IVs (finding TOKEN_IVS_MAY_REPEAT). */
      mayRepeat: boolean;
    };
    /** What waits for it; null if no XKS worker of this node has told within the last 30 seconds. */
    queue: {
      /** Operations that wait for a token host. */
      waiting: number;
      /** Operations that a token host has. */
      underWay: number;
      /** How long an operation that came now would wait, by how long operations took last: of the worker where it is longest. Null if a worker has no host that it could go to. */
      estimatedWaitMilliseconds: number | null;
    } | null;
    /** What it was asked lately by AWS’s requests to this node; null if this is not counted. */
    lastMinutes: {
      /** So many minutes, the one that has begun among them. */
      minutes: number;
      /** Operations for requests of AWS that the token answered. */
      operations: number;
      p50Milliseconds: number | null;
      /** What 99 in 100 of them took in the token at most; null if there were none. */
      p99Milliseconds: number | null;
      /** What 99 in 100 of them waited at most before the token had them. */
      waitP99Milliseconds: number | null;
      /** How often it failed, by what it failed with, as `holdfast_token_faults_total` has it. */
      faults: Record<string, number>;
    } | null;
    /** Of an HSM group: key versions that not every member has; null for a single HSM, and if it has not been compared yet. */
    notEverywhere: {
      /** The reconciliation that compared the members last. */
      reconciliationId: string;
      /** UTC, ISO 8601 with milliseconds. */
      comparedAt: string;
      /** Why not all of them could be compared, so that there may be more; null if they could. */
      problem: string | null;
      /** Versions that are in use; another member has each of them, and requests go there. */
      keyVersions: {
        /** The member that lacks it. */
        member: string;
        /** `missing`: it has no key object for this version; `duplicate`: several with its CKA_ID; `unfit`: another in its place. */
        kind: 'missing' | 'duplicate' | 'unfit';
        vaultId: string | null;
        cloudKeyId: string | null;
        /** Name of the CloudKey. */
        name: string | null;
        externalKeyId: string | null;
        version: number | null;
        /** CKA_ID of the key object, in hexadecimal digits. */
        objectId: string;
      }[];
      /** How many more there are that the reconciliation lists. */
      more: number;
    } | null;
    /** Number of vaults that may use it. */
    vaults: number;
    /** What has or may have key objects of this token, and is not asked. */
    replaced: {
      id: string;
      /** `token`: a token that had the name before, until `holdfast init --replace-token`. `member`: an HSM that has held the keys of this token and was not asked when one was to be destroyed, since the configuration does not have it. */
      kind: 'token' | 'member';
      /** Serial numbers that it was seen under. */
      serials: string[];
      /** When it was replaced; of a member, when it was noticed that it is not asked. */
      replacedAt: string;
      /** Since when it is on record that no key object is left in it; null while it is not. */
      erasedAt: string | null;
      /** Versions, not DESTROYED, whose key objects were left in it. */
      keyVersions: number;
    }[];
  };
  TokenPage: {
    items: Schemas['Token'][];
    /** Pass it as `cursor` to get the next page; null at the end. */
    next: string | null;
  };
  /** What a fresh connection to a token found out. */
  TokenReport: {
    ok: boolean;
    /** In the order in which they were tried; the first that failed is the last. */
    steps: {
      name: 'module' | 'token' | 'login' | 'mechanisms' | 'self-test' | 'key-making' | 'latency';
      ok: boolean;
      milliseconds: number;
      /** What was found, or what failed, with its CKR code. */
      detail: string;
    }[];
    /** What to do, where one failed. */
    remediation?: string;
    /** What the token reports about itself. */
    info?: {
      label: string;
      serial: string;
      manufacturer: string;
      model: string;
      firmware: string;
      /** The module’s number of the slot that it is in, which may change from one start to the next. */
      slot: number | null;
    };
    /** PKCS#11 names; numbers for those without one. */
    mechanisms?: string[];
  };
  TotpEnrolment: {
    /** Base32, to be typed into the app. Shown only once. */
    secret: string;
    /** The same as a URI, for a QR code. */
    otpauthUri: string;
  };
  /** Requests of AWS KMS over time, and how they were answered. */
  Traffic: {
    range: '1h' | '3h' | '12h' | '1d' | '1w' | '30d';
    /** UTC, ISO 8601 with milliseconds. */
    from: string;
    /** UTC, ISO 8601 with milliseconds. */
    to: string;
    stepSeconds: number;
    /** Of which nodes it is. */
    nodes: {
      /** How many nodes that are up have told theirs, within a minute or two. */
      included: number;
      /** How many nodes that are up have not: they run an older version, have no management process (`admin.enabled`), or cannot write to the database. */
      missing: number;
      /** Which those are, for users of the appliance. */
      missingHosts?: string[];
    };
    /** Requests that were not answered with a retryable error, of 100; null without requests. */
    reliabilityPercent: number | null;
    /** In the last whole minute. */
    requestsPerSecond: number;
    /** Answered to AWS. */
    requests: number;
    /** Of these, with an error. */
    failed: number;
    /** Of these, with an error that AWS KMS retries and counts against the reliability of the proxy: ThrottlingException, InternalException, DependencyTimeoutException. */
    retryable: number;
    /** Answered after more than 250 ms: AWS KMS had given up. */
    late: number;
    /** Half of them took no longer, milliseconds; null without requests. */
    p50Ms: number | null;
    /** 99 in 100 took no longer. */
    p99Ms: number | null;
    /** By error of the XKS API. */
    errors: Record<string, number>;
    /** When the first of the certificates that AWS is shown by the node that responds expires. */
    certificateExpiresAt: string | null;
    /** Step by step, earliest first; the last is not over yet. */
    points: {
      /** Beginning of the step. */
      at: string;
      /** Answered to AWS. */
      requests: number;
      /** Of these, with an error. */
      failed: number;
      /** Of these, with an error that AWS KMS retries and counts against the reliability of the proxy: ThrottlingException, InternalException, DependencyTimeoutException. */
      retryable: number;
      /** Answered after more than 250 ms: AWS KMS had given up. */
      late: number;
      /** Half of them took no longer, milliseconds; null without requests. */
      p50Ms: number | null;
      /** 99 in 100 took no longer. */
      p99Ms: number | null;
      /** By error of the XKS API. */
      errors: Record<string, number>;
      /** Days that were left of the certificate of the XKS listener that expires first, of any node; null where no node told. */
      certificateDays: number | null;
    }[];
  };
  UnauthenticatedRequestPage: {
    items: Schemas['FailedRequest'][];
    /** Pass it as `cursor` to get the next page; null at the end. */
    next: string | null;
  };
  UnlinkedKmsKeyPage: {
    items: {
      keyArn: string;
      externalKeyStoreId: string;
      /** AWS Region such as `eu-central-1`; empty if none was given. */
      region: string;
      /** The KeyState in AWS. */
      state: string;
      description: string;
      /** What the KMS key refers to. */
      externalKeyId: string;
      /** Null if the key set has no CloudKey with this external key id: the KMS key cannot be used. */
      cloudKeyId: string | null;
      cloudKeyName: string | null;
    }[];
    /** Pass it as `cursor` to get the next page; null at the end. */
    next: string | null;
    /** Number of KMS keys of the AWS account and Region that were examined so far. */
    looked: number;
    /** How many of them AWS does not allow the CSP account to read. */
    hidden: number;
  };
  User: {
    id: string;
    /** Not case-sensitive. */
    username: string;
    /** The user’s full name. */
    displayName: string;
    /** Where mail goes, such as first passwords. */
    email: string;
    role: 'appliance-admin' | 'appliance-auditor' | 'vault-admin' | 'cloud-admin' | 'auditor';
    /** A disabled user has no session and no API key. */
    state: 'ACTIVE' | 'DISABLED';
    /** After too many wrong passwords or codes; the lock expires, or an administrator lifts it. */
    locked: boolean;
    /** Whether the user has a second factor. */
    secondFactor: boolean;
    mustChangePassword: boolean;
    /** By password, through the OpenID Connect provider of the vault or appliance, or either. */
    signIn: 'password' | 'oidc' | 'both';
    lastSignInAt: string | null;
    /** UTC, ISO 8601 with milliseconds. */
    createdAt: string;
    /** UTC, ISO 8601 with milliseconds. */
    updatedAt: string;
  };
  UserApiKey: {
    id: string;
    name: string;
    /** Its permissions, as long as its owner has them too. */
    scope: (
      | 'appliance.read'
      | 'metrics.read'
      | 'vaults.write'
      | 'vaults.freeze'
      | 'cloud-keys.find'
      | 'tokens.verify'
      | 'nodes.write'
      | 'lost-changes.decide'
      | 'appliance.write'
      | 'appliance-users.write'
      | 'appliance-audit.prune'
      | 'vault.read'
      | 'vault.write'
      | 'vault.freeze'
      | 'findings.acknowledge'
      | 'users.read'
      | 'users.write'
      | 'csp-accounts.write'
      | 'key-sets.write'
      | 'credentials.write'
      | 'cloud-keys.write'
      | 'cloud-keys.adopt'
      | 'cloud-keys.delete'
      | 'audit.read'
      | 'audit.prune'
      | 'reconcile.run'
    )[];
    /** UTC, ISO 8601 with milliseconds. */
    expiresAt: string;
    revokedAt: string | null;
    /** To within half a minute. */
    lastUsedAt: string | null;
    lastAddress: string | null;
    /** UTC, ISO 8601 with milliseconds. */
    createdAt: string;
    state: 'LIVE' | 'EXPIRED' | 'REVOKED';
    /** Whose it is. */
    user: {
      id: string;
      username: string;
      role: 'appliance-admin' | 'appliance-auditor' | 'vault-admin' | 'cloud-admin' | 'auditor';
    };
  };
  UserApiKeyPage: {
    items: Schemas['UserApiKey'][];
    /** Pass it as `cursor` to get the next page; null at the end. */
    next: string | null;
  };
  UserPage: {
    items: Schemas['User'][];
    /** Pass it as `cursor` to get the next page; null at the end. */
    next: string | null;
  };
  UserSession: {
    id: string;
    /** What the session must complete before it can do anything else; ACTIVE if nothing. */
    state: 'SECOND_FACTOR' | 'PASSWORD_CHANGE' | 'ACTIVE';
    /** How the user signed in. */
    method: 'password' | 'oidc';
    /** Address that the session was started from. */
    address: string;
    userAgent: string;
    /** UTC, ISO 8601 with milliseconds. */
    createdAt: string;
    /** When it was last used, to within half a minute. */
    lastSeenAt: string;
    /** When it ends at the latest, however busy. */
    expiresAt: string;
    /** After so many minutes without a request it ends. */
    idleMinutes: number;
    /** Whether it is the current session. */
    current: boolean;
    /** Whose it is. */
    user: {
      id: string;
      username: string;
      role: 'appliance-admin' | 'appliance-auditor' | 'vault-admin' | 'cloud-admin' | 'auditor';
    };
  };
  UserSessionPage: {
    items: Schemas['UserSession'][];
    /** Pass it as `cursor` to get the next page; null at the end. */
    next: string | null;
  };
  Vault: {
    id: string;
    /** Unique among the vaults. */
    name: string;
    /** What the vault is for. */
    type: 'cloud-key-management';
    /** Free text. */
    description: string;
    /** The contact for the vault. */
    administrator: {
      name: string;
      /** Where mail goes, such as first passwords. */
      email: string;
    };
    /** Names of tokens in the configuration that its key sets may use. */
    tokens: string[];
    /** Where its users sign in. */
    signInUrl: string;
    /** Where its part of this API is. */
    apiUrl: string;
    /** FROZEN: every request for one of its keys gets InvalidStateException. */
    state: 'ACTIVE' | 'FROZEN';
    /** The freezes in effect for the vault as a whole; its keys are usable once there are none. */
    frozenSince: {
      /** Frozen by its own administrators, who can thaw it. */
      vault: string | null;
      /** Frozen by the appliance’s administrators, who can thaw it. */
      appliance: string | null;
    };
    /** Number of key sets that the caller may see; the same goes for CloudKeys. */
    keySets: number;
    /** Number of CloudKeys that are not DELETED. */
    cloudKeys: number;
    /** UTC, ISO 8601 with milliseconds. */
    createdAt: string;
    /** UTC, ISO 8601 with milliseconds. */
    updatedAt: string;
  };
  VaultFreezes: {
    /** Number of vaults that this froze. */
    frozen: number;
    /** How many were frozen already. */
    frozenBefore: number;
  };
  VaultPage: {
    items: Schemas['Vault'][];
    /** Pass it as `cursor` to get the next page; null at the end. */
    next: string | null;
  };
  VaultReconciliationPage: {
    items: Schemas['Reconciliation'][];
    /** Pass it as `cursor` to get the next page; null at the end. */
    next: string | null;
  };
  /** Whether a token works, for the people of a vault. */
  VaultTokenReport: {
    ok: boolean;
    /** When it was verified; up to ten seconds ago. */
    at: string;
    /** In the order in which they were tried; the first that failed is the last. */
    steps: {
      name: 'module' | 'token' | 'login' | 'mechanisms' | 'self-test' | 'key-making' | 'latency';
      ok: boolean;
      milliseconds: number;
    }[];
    /** What the token reports about itself; null if it could not be asked. */
    hsm: {
      manufacturer: string;
      model: string;
      firmware: string;
    } | null;
    /** What to do; null if nothing has to be done. */
    remediation: string | null;
  };
  /** How the nodes were over time: tokens, leases, the database, budgets, certificates. */
  Vitals: {
    range: '1h' | '3h' | '12h' | '1d' | '1w' | '30d';
    /** UTC, ISO 8601 with milliseconds. */
    from: string;
    /** UTC, ISO 8601 with milliseconds. */
    to: string;
    stepSeconds: number;
    /** Of which nodes it is. */
    nodes: {
      /** How many nodes that are up have told theirs, within a minute or two. */
      included: number;
      /** How many nodes that are up have not: they run an older version, have no management process (`admin.enabled`), or cannot write to the database. */
      missing: number;
      /** Which those are, for users of the appliance. */
      missingHosts?: string[];
    };
    /** How often the nodes looked at themselves: each does every 15 seconds. */
    looks: number;
    /** By name in the configuration of the nodes. */
    tokens: {
      name: string;
      /** Token hosts that served and answered in time, of 100 that there are to be: on average. */
      fitPercent: number | null;
      /** The same, where and when it was worst. */
      leastFitPercent: number | null;
      /** Most requests of AWS that waited for a token host of one node. */
      waiting: number;
      /** Longest time that the last of these had to wait, as estimated then; null where no token host was fit. */
      estimatedWaitMs: number | null;
      /** 99 in 100 requests to the token waited no longer, in queues and on their way; null without requests. */
      p99WaitMs: number | null;
    }[];
    /** XKS workers that held a lease, and so served from memory, of 100; null for a store in a file. */
    leasesHeldPercent: number | null;
    /** What was left of a lease where and when it was least, of its length: 0 where one had ended. A worker renews its lease when a third of it is gone. */
    leastLeasePercent: number | null;
    /** Looks in which the database answered within five seconds, of 100. */
    storeUpPercent: number | null;
    /** What it took to answer a question about one row, on average. */
    storeAverageMs: number | null;
    /** What it took at the most. */
    storeSlowestMs: number | null;
    /** Encryptions that were used of the 2^32 that a key version may do, of that current version which has used most: told from a sixteenth on, 0 below; null where the database did not say. */
    budgetPercent: number | null;
    /** Days that were left of the certificate of the XKS listener that expires first, of any node; null where no node told. */
    certificateDays: number | null;
    /** Step by step, earliest first; the last is not over yet. */
    points: {
      /** Beginning of the step. */
      at: string;
      /** How often the nodes looked at themselves: each does every 15 seconds. */
      looks: number;
      /** By name in the configuration of the nodes. */
      tokens: {
        name: string;
        /** Token hosts that served and answered in time, of 100 that there are to be: on average. */
        fitPercent: number | null;
        /** The same, where and when it was worst. */
        leastFitPercent: number | null;
        /** Most requests of AWS that waited for a token host of one node. */
        waiting: number;
        /** Longest time that the last of these had to wait, as estimated then; null where no token host was fit. */
        estimatedWaitMs: number | null;
        /** 99 in 100 requests to the token waited no longer, in queues and on their way; null without requests. */
        p99WaitMs: number | null;
      }[];
      /** XKS workers that held a lease, and so served from memory, of 100; null for a store in a file. */
      leasesHeldPercent: number | null;
      /** What was left of a lease where and when it was least, of its length: 0 where one had ended. A worker renews its lease when a third of it is gone. */
      leastLeasePercent: number | null;
      /** Looks in which the database answered within five seconds, of 100. */
      storeUpPercent: number | null;
      /** What it took to answer a question about one row, on average. */
      storeAverageMs: number | null;
      /** What it took at the most. */
      storeSlowestMs: number | null;
      /** Encryptions that were used of the 2^32 that a key version may do, of that current version which has used most: told from a sixteenth on, 0 below; null where the database did not say. */
      budgetPercent: number | null;
      /** Days that were left of the certificate of the XKS listener that expires first, of any node; null where no node told. */
      certificateDays: number | null;
    }[];
  };
}

/** The paths under /api/v1: of each method what it takes, and what it answers where all is well. */
export interface Paths {
  '/openapi.json': {
    GET: {
      query: undefined;
      body: undefined;
      answer: Record<string, unknown>;
    };
  };
  '/sessions': {
    POST: {
      query: undefined;
      body: {
        username: string;
        password: string;
        cookie?: boolean | undefined;
      };
      answer: Schemas['OpenedSession'];
    };
    GET: {
      query: {
        userId?: string | undefined;
        limit?: number | undefined;
        cursor?: string | undefined;
        sort?: 'createdAt' | '-createdAt' | undefined;
      };
      body: undefined;
      answer: Schemas['UserSessionPage'];
    };
  };
  '/vaults/{vaultId}/sessions': {
    POST: {
      query: undefined;
      body: {
        username: string;
        password: string;
        cookie?: boolean | undefined;
      };
      answer: Schemas['OpenedSession'];
    };
    GET: {
      query: {
        userId?: string | undefined;
        limit?: number | undefined;
        cursor?: string | undefined;
        sort?: 'createdAt' | '-createdAt' | undefined;
      };
      body: undefined;
      answer: Schemas['UserSessionPage'];
    };
  };
  '/session': {
    GET: {
      query: undefined;
      body: undefined;
      answer: Schemas['Session'];
    };
    DELETE: {
      query: undefined;
      body: undefined;
      answer: undefined;
    };
  };
  '/user': {
    GET: {
      query: undefined;
      body: undefined;
      answer: Schemas['Caller'];
    };
  };
  '/session/second-factor': {
    POST: {
      query: undefined;
      body: {
        code: string;
      };
      answer: Schemas['OpenedSession'];
    };
  };
  '/session/password': {
    POST: {
      query: undefined;
      body: {
        currentPassword: string;
        newPassword: string;
      };
      answer: Schemas['OpenedSession'];
    };
  };
  '/user/sessions': {
    GET: {
      query: {
        limit?: number | undefined;
        cursor?: string | undefined;
      };
      body: undefined;
      answer: Schemas['SessionPage'];
    };
  };
  '/user/sessions/{sessionId}': {
    DELETE: {
      query: undefined;
      body: undefined;
      answer: undefined;
    };
  };
  '/sign-in-options': {
    GET: {
      query: undefined;
      body: undefined;
      answer: Schemas['SignInOptions'];
    };
  };
  '/vaults/{vaultId}/sign-in-options': {
    GET: {
      query: undefined;
      body: undefined;
      answer: Schemas['SignInOptions'];
    };
  };
  '/sign-in-rules': {
    GET: {
      query: undefined;
      body: undefined;
      answer: Schemas['SignInRules'];
    };
  };
  '/oidc/start': {
    GET: {
      query: {
        returnTo: string;
        challenge: string;
      };
      body: undefined;
      answer: undefined;
    };
  };
  '/vaults/{vaultId}/oidc/start': {
    GET: {
      query: {
        returnTo: string;
        challenge: string;
      };
      body: undefined;
      answer: undefined;
    };
  };
  '/oidc/callback': {
    GET: {
      query: {
        state: string;
      };
      body: undefined;
      answer: undefined;
    };
  };
  '/oidc/sessions': {
    POST: {
      query: undefined;
      body: {
        code: string;
        verifier: string;
        cookie?: boolean | undefined;
      };
      answer: Schemas['OpenedSession'];
    };
  };
  '/oidc-provider': {
    GET: {
      query: undefined;
      body: undefined;
      answer: Schemas['OidcProvider'];
    };
    PUT: {
      query: undefined;
      body: {
        issuer: string;
        clientId: string;
        scopes?: readonly string[] | undefined;
        usernameClaim?: 'email' | 'preferred_username' | undefined;
        caCertificates?: string | null | undefined;
        clientSecret?: string | null | undefined;
      };
      answer: Schemas['OidcProvider'];
    };
    DELETE: {
      query: undefined;
      body: {
        reason?: string | undefined;
      };
      answer: undefined;
    };
  };
  '/vaults/{vaultId}/oidc-provider': {
    GET: {
      query: undefined;
      body: undefined;
      answer: Schemas['OidcProvider'];
    };
    PUT: {
      query: undefined;
      body: {
        issuer: string;
        clientId: string;
        scopes?: readonly string[] | undefined;
        usernameClaim?: 'email' | 'preferred_username' | undefined;
        caCertificates?: string | null | undefined;
        clientSecret?: string | null | undefined;
      };
      answer: Schemas['OidcProvider'];
    };
    DELETE: {
      query: undefined;
      body: {
        reason?: string | undefined;
      };
      answer: undefined;
    };
  };
  '/user/totp': {
    POST: {
      query: undefined;
      body: {
        password: string;
      };
      answer: Schemas['TotpEnrolment'];
    };
    DELETE: {
      query: undefined;
      body: {
        password: string;
        code: string;
      };
      answer: undefined;
    };
  };
  '/user/totp/confirmation': {
    POST: {
      query: undefined;
      body: {
        code: string;
      };
      answer: Schemas['RecoveryCodes'];
    };
  };
  '/user/totp/recovery-codes': {
    POST: {
      query: undefined;
      body: {
        password: string;
        code: string;
      };
      answer: Schemas['RecoveryCodes'];
    };
  };
  '/user/api-keys': {
    GET: {
      query: {
        limit?: number | undefined;
        cursor?: string | undefined;
        sort?: 'createdAt' | '-createdAt' | 'name' | '-name' | 'expiresAt' | '-expiresAt' | undefined;
      };
      body: undefined;
      answer: Schemas['ApiKeyPage'];
    };
    POST: {
      query: undefined;
      body: {
        name: string;
        scope: readonly (
          | 'appliance.read'
          | 'metrics.read'
          | 'vaults.write'
          | 'vaults.freeze'
          | 'cloud-keys.find'
          | 'tokens.verify'
          | 'nodes.write'
          | 'lost-changes.decide'
          | 'appliance.write'
          | 'appliance-users.write'
          | 'appliance-audit.prune'
          | 'vault.read'
          | 'vault.write'
          | 'vault.freeze'
          | 'findings.acknowledge'
          | 'users.read'
          | 'users.write'
          | 'csp-accounts.write'
          | 'key-sets.write'
          | 'credentials.write'
          | 'cloud-keys.write'
          | 'cloud-keys.adopt'
          | 'cloud-keys.delete'
          | 'audit.read'
          | 'audit.prune'
          | 'reconcile.run'
        )[];
        expiresAt: string;
      };
      answer: {
        id: string;
        name: string;
        /** Its permissions, as long as its owner has them too. */
        scope: (
          | 'appliance.read'
          | 'metrics.read'
          | 'vaults.write'
          | 'vaults.freeze'
          | 'cloud-keys.find'
          | 'tokens.verify'
          | 'nodes.write'
          | 'lost-changes.decide'
          | 'appliance.write'
          | 'appliance-users.write'
          | 'appliance-audit.prune'
          | 'vault.read'
          | 'vault.write'
          | 'vault.freeze'
          | 'findings.acknowledge'
          | 'users.read'
          | 'users.write'
          | 'csp-accounts.write'
          | 'key-sets.write'
          | 'credentials.write'
          | 'cloud-keys.write'
          | 'cloud-keys.adopt'
          | 'cloud-keys.delete'
          | 'audit.read'
          | 'audit.prune'
          | 'reconcile.run'
        )[];
        /** UTC, ISO 8601 with milliseconds. */
        expiresAt: string;
        revokedAt: string | null;
        /** To within half a minute. */
        lastUsedAt: string | null;
        lastAddress: string | null;
        /** UTC, ISO 8601 with milliseconds. */
        createdAt: string;
        state: 'LIVE' | 'EXPIRED' | 'REVOKED';
        /** Send it as `Authorization: Bearer`. Shown only once; a repeated request returns none. */
        secret?: string;
      };
    };
  };
  '/user/api-keys/{apiKeyId}': {
    GET: {
      query: undefined;
      body: undefined;
      answer: Schemas['ApiKey'];
    };
    DELETE: {
      query: undefined;
      body: undefined;
      answer: undefined;
    };
  };
  '/status': {
    GET: {
      query: undefined;
      body: undefined;
      answer: Schemas['Status'];
    };
  };
  '/vaults/{vaultId}/status': {
    GET: {
      query: undefined;
      body: undefined;
      answer: Schemas['Status'];
    };
  };
  '/status/acknowledge': {
    POST: {
      query: undefined;
      body: {
        fingerprint: string;
        note: string;
        until?: string | null | undefined;
      };
      answer: Schemas['StatusFinding'];
    };
  };
  '/status/withdraw-acknowledgement': {
    POST: {
      query: undefined;
      body: {
        fingerprint: string;
      };
      answer: Schemas['StatusFinding'];
    };
  };
  '/vaults/{vaultId}/status/acknowledge': {
    POST: {
      query: undefined;
      body: {
        fingerprint: string;
        note: string;
        until?: string | null | undefined;
      };
      answer: Schemas['StatusFinding'];
    };
  };
  '/vaults/{vaultId}/status/withdraw-acknowledgement': {
    POST: {
      query: undefined;
      body: {
        fingerprint: string;
      };
      answer: Schemas['StatusFinding'];
    };
  };
  '/traffic': {
    GET: {
      query: {
        range?: '1h' | '3h' | '12h' | '1d' | '1w' | '30d' | undefined;
      };
      body: undefined;
      answer: Schemas['Traffic'];
    };
  };
  '/vaults/{vaultId}/traffic': {
    GET: {
      query: {
        range?: '1h' | '3h' | '12h' | '1d' | '1w' | '30d' | undefined;
      };
      body: undefined;
      answer: Schemas['Traffic'];
    };
  };
  '/vitals': {
    GET: {
      query: {
        range?: '1h' | '3h' | '12h' | '1d' | '1w' | '30d' | undefined;
        node?: string | undefined;
      };
      body: undefined;
      answer: Schemas['Vitals'];
    };
  };
  '/failed-requests': {
    GET: {
      query: {
        id?: string | undefined;
        error?: string | undefined;
        from?: string | undefined;
        to?: string | undefined;
        limit?: number | undefined;
        cursor?: string | undefined;
        sort?: '-lastAt' | 'lastAt' | undefined;
      };
      body: undefined;
      answer: Schemas['UnauthenticatedRequestPage'];
    };
  };
  '/vaults/{vaultId}/failed-requests': {
    GET: {
      query: {
        keySetId?: string | undefined;
        externalKeyId?: string | undefined;
        principal?: string | undefined;
        kmsRequestId?: string | undefined;
        id?: string | undefined;
        error?: string | undefined;
        from?: string | undefined;
        to?: string | undefined;
        limit?: number | undefined;
        cursor?: string | undefined;
        sort?: '-lastAt' | 'lastAt' | undefined;
      };
      body: undefined;
      answer: Schemas['FailedRequestPage'];
    };
  };
  '/metrics': {
    GET: {
      query: undefined;
      body: undefined;
      answer: undefined;
    };
  };
  '/vaults': {
    GET: {
      query: {
        name?: string | undefined;
        limit?: number | undefined;
        cursor?: string | undefined;
        sort?: 'name' | '-name' | 'createdAt' | '-createdAt' | 'updatedAt' | '-updatedAt' | undefined;
      };
      body: undefined;
      answer: Schemas['VaultPage'];
    };
    POST: {
      query: undefined;
      body: {
        name: string;
        type?: 'cloud-key-management' | undefined;
        description?: string | undefined;
        administrator: {
          name: string;
          email: string;
          username: string;
        };
        tokens?: readonly string[] | undefined;
      };
      answer: {
        id: string;
        /** Unique among the vaults. */
        name: string;
        /** What the vault is for. */
        type: 'cloud-key-management';
        /** Free text. */
        description: string;
        /** The contact for the vault. */
        administrator: {
          name: string;
          /** Where mail goes, such as first passwords. */
          email: string;
        };
        /** Names of tokens in the configuration that its key sets may use. */
        tokens: string[];
        /** Where its users sign in. */
        signInUrl: string;
        /** Where its part of this API is. */
        apiUrl: string;
        /** FROZEN: every request for one of its keys gets InvalidStateException. */
        state: 'ACTIVE' | 'FROZEN';
        /** The freezes in effect for the vault as a whole; its keys are usable once there are none. */
        frozenSince: {
          /** Frozen by its own administrators, who can thaw it. */
          vault: string | null;
          /** Frozen by the appliance’s administrators, who can thaw it. */
          appliance: string | null;
        };
        /** Number of key sets that the caller may see; the same goes for CloudKeys. */
        keySets: number;
        /** Number of CloudKeys that are not DELETED. */
        cloudKeys: number;
        /** UTC, ISO 8601 with milliseconds. */
        createdAt: string;
        /** UTC, ISO 8601 with milliseconds. */
        updatedAt: string;
        /** The first password, shown only once, if it was not sent by mail. Valid for seven days. */
        firstPassword?: string;
        /** Whether the first password was sent to the user by mail. */
        mailed: boolean;
        /** Why no mail was sent. */
        mailProblem?: string;
      };
    };
  };
  '/vaults/{vaultId}': {
    GET: {
      query: undefined;
      body: undefined;
      answer: Schemas['Vault'];
    };
    PATCH: {
      query: undefined;
      body: {
        name?: string | undefined;
        description?: string | undefined;
        administrator?:
          | {
              name: string;
              email: string;
            }
          | undefined;
        tokens?: readonly string[] | undefined;
      };
      answer: Schemas['Vault'];
    };
    DELETE: {
      query: {
        confirm?: string | undefined;
      };
      body: {
        reason?: string | undefined;
      };
      answer: undefined;
    };
  };
  '/vaults/{vaultId}/administrator-password': {
    POST: {
      query: undefined;
      body: {
        username?: string | undefined;
        email?: string | undefined;
        removeSecondFactor?: boolean | undefined;
      };
      answer: Schemas['ResetVaultAdministrator'];
    };
  };
  '/users': {
    GET: {
      query: {
        username?: string | undefined;
        role?: 'appliance-admin' | 'appliance-auditor' | undefined;
        state?: 'ACTIVE' | 'DISABLED' | undefined;
        limit?: number | undefined;
        cursor?: string | undefined;
        sort?: 'username' | '-username' | 'createdAt' | '-createdAt' | 'updatedAt' | '-updatedAt' | undefined;
      };
      body: undefined;
      answer: Schemas['ApplianceUserPage'];
    };
    POST: {
      query: undefined;
      body: {
        username: string;
        displayName?: string | undefined;
        email: string;
        role: 'appliance-admin' | 'appliance-auditor';
        signIn?: 'password' | 'oidc' | 'both' | undefined;
      };
      answer: {
        id: string;
        /** Not case-sensitive. */
        username: string;
        /** The user’s full name. */
        displayName: string;
        /** Where mail goes, such as first passwords. */
        email: string;
        role: 'appliance-admin' | 'appliance-auditor' | 'vault-admin' | 'cloud-admin' | 'auditor';
        /** A disabled user has no session and no API key. */
        state: 'ACTIVE' | 'DISABLED';
        /** After too many wrong passwords or codes; the lock expires, or an administrator lifts it. */
        locked: boolean;
        /** Whether the user has a second factor. */
        secondFactor: boolean;
        mustChangePassword: boolean;
        /** By password, through the OpenID Connect provider of the vault or appliance, or either. */
        signIn: 'password' | 'oidc' | 'both';
        lastSignInAt: string | null;
        /** UTC, ISO 8601 with milliseconds. */
        createdAt: string;
        /** UTC, ISO 8601 with milliseconds. */
        updatedAt: string;
        /** The first password, shown only once, if it was not sent by mail. Valid for seven days. */
        firstPassword?: string;
        /** Whether the first password was sent to the user by mail. */
        mailed: boolean;
        /** Why no mail was sent. */
        mailProblem?: string;
      };
    };
  };
  '/users/{userId}': {
    GET: {
      query: undefined;
      body: undefined;
      answer: Schemas['User'];
    };
    PATCH: {
      query: undefined;
      body: {
        displayName?: string | undefined;
        email?: string | undefined;
        role?: 'appliance-admin' | 'appliance-auditor' | undefined;
        state?: 'ACTIVE' | 'DISABLED' | undefined;
        signIn?: 'password' | 'oidc' | 'both' | undefined;
      };
      answer: Schemas['User'];
    };
    DELETE: {
      query: undefined;
      body: {
        reason?: string | undefined;
      };
      answer: undefined;
    };
  };
  '/users/{userId}/unlock': {
    POST: {
      query: undefined;
      body: undefined;
      answer: Schemas['User'];
    };
  };
  '/users/{userId}/password-reset': {
    POST: {
      query: undefined;
      body: undefined;
      answer: {
        id: string;
        /** Not case-sensitive. */
        username: string;
        /** The user’s full name. */
        displayName: string;
        /** Where mail goes, such as first passwords. */
        email: string;
        role: 'appliance-admin' | 'appliance-auditor' | 'vault-admin' | 'cloud-admin' | 'auditor';
        /** A disabled user has no session and no API key. */
        state: 'ACTIVE' | 'DISABLED';
        /** After too many wrong passwords or codes; the lock expires, or an administrator lifts it. */
        locked: boolean;
        /** Whether the user has a second factor. */
        secondFactor: boolean;
        mustChangePassword: boolean;
        /** By password, through the OpenID Connect provider of the vault or appliance, or either. */
        signIn: 'password' | 'oidc' | 'both';
        lastSignInAt: string | null;
        /** UTC, ISO 8601 with milliseconds. */
        createdAt: string;
        /** UTC, ISO 8601 with milliseconds. */
        updatedAt: string;
        /** The first password, shown only once, if it was not sent by mail. Valid for seven days. */
        firstPassword?: string;
        /** Whether the first password was sent to the user by mail. */
        mailed: boolean;
        /** Why no mail was sent. */
        mailProblem?: string;
      };
    };
  };
  '/users/{userId}/totp-removal': {
    POST: {
      query: undefined;
      body: undefined;
      answer: Schemas['User'];
    };
  };
  '/api-keys': {
    GET: {
      query: {
        userId?: string | undefined;
        state?: 'LIVE' | 'EXPIRED' | 'REVOKED' | undefined;
        limit?: number | undefined;
        cursor?: string | undefined;
        sort?: 'createdAt' | '-createdAt' | 'name' | '-name' | 'expiresAt' | '-expiresAt' | undefined;
      };
      body: undefined;
      answer: Schemas['UserApiKeyPage'];
    };
  };
  '/api-keys/{apiKeyId}': {
    DELETE: {
      query: undefined;
      body: {
        reason?: string | undefined;
      };
      answer: undefined;
    };
  };
  '/sessions/{sessionId}': {
    DELETE: {
      query: undefined;
      body: {
        reason?: string | undefined;
      };
      answer: undefined;
    };
  };
  '/tokens': {
    GET: {
      query: {
        limit?: number | undefined;
        cursor?: string | undefined;
      };
      body: undefined;
      answer: Schemas['TokenPage'];
    };
  };
  '/tokens/{token}': {
    GET: {
      query: undefined;
      body: undefined;
      answer: Schemas['Token'];
    };
  };
  '/tokens/{token}/replaced/{replacedId}/record-erased': {
    POST: {
      query: undefined;
      body: {
        reason?: string | undefined;
      };
      answer: Schemas['Token'];
    };
  };
  '/tokens/{token}/verify': {
    POST: {
      query: undefined;
      body: undefined;
      answer: Schemas['TokenReport'];
    };
  };
  '/vaults/{vaultId}/tokens/{token}/verify': {
    POST: {
      query: undefined;
      body: undefined;
      answer: Schemas['VaultTokenReport'];
    };
  };
  '/nodes': {
    GET: {
      query: {
        limit?: number | undefined;
        cursor?: string | undefined;
        sort?:
          'hostname' | '-hostname' | 'startedAt' | '-startedAt' | 'lastSeenAt' | '-lastSeenAt' | undefined;
      };
      body: undefined;
      answer: Schemas['NodePage'];
    };
  };
  '/nodes/{nodeId}': {
    GET: {
      query: undefined;
      body: undefined;
      answer: Schemas['Node'];
    };
    DELETE: {
      query: undefined;
      body: {
        reason?: string | undefined;
      };
      answer: undefined;
    };
  };
  '/nodes/{nodeId}/drain': {
    POST: {
      query: undefined;
      body: undefined;
      answer: Schemas['Node'];
    };
  };
  '/nodes/{nodeId}/undrain': {
    POST: {
      query: undefined;
      body: undefined;
      answer: Schemas['Node'];
    };
  };
  '/in-force': {
    GET: {
      query: {
        revision?: string | undefined;
      };
      body: undefined;
      answer: Schemas['InForce'];
    };
  };
  '/lost-changes': {
    GET: {
      query: {
        limit?: number | undefined;
        cursor?: string | undefined;
        sort?: 'noticedAt' | '-noticedAt' | undefined;
        open?: 'true' | 'false' | undefined;
      };
      body: undefined;
      answer: Schemas['LostChangePage'];
    };
  };
  '/lost-changes/apply': {
    POST: {
      query: undefined;
      body: {
        lostChanges: 'all' | readonly string[];
        reason?: string | undefined;
      };
      answer: Schemas['LostChangesApplied'];
    };
  };
  '/lost-changes/leave': {
    POST: {
      query: undefined;
      body: {
        lostChanges: readonly string[];
      };
      answer: Schemas['LostChangesLeft'];
    };
  };
  '/mail': {
    GET: {
      query: undefined;
      body: undefined;
      answer: Schemas['MailSettings'];
    };
    PUT: {
      query: undefined;
      body: {
        host: string;
        port: number;
        security: 'tls' | 'starttls' | 'none';
        username?: string | null | undefined;
        from: string;
        caCertificates?: string | null | undefined;
        password?: string | undefined;
      };
      answer: Schemas['MailSettings'];
    };
    DELETE: {
      query: undefined;
      body: {
        reason?: string | undefined;
      };
      answer: undefined;
    };
  };
  '/mail/test': {
    POST: {
      query: undefined;
      body: {
        to: string;
      };
      answer: undefined;
    };
  };
  '/vaults/{vaultId}/users': {
    GET: {
      query: {
        username?: string | undefined;
        role?: 'vault-admin' | 'cloud-admin' | 'auditor' | undefined;
        state?: 'ACTIVE' | 'DISABLED' | undefined;
        limit?: number | undefined;
        cursor?: string | undefined;
        sort?: 'username' | '-username' | 'createdAt' | '-createdAt' | 'updatedAt' | '-updatedAt' | undefined;
      };
      body: undefined;
      answer: Schemas['UserPage'];
    };
    POST: {
      query: undefined;
      body: {
        username: string;
        displayName?: string | undefined;
        email: string;
        role: 'vault-admin' | 'cloud-admin' | 'auditor';
        signIn?: 'password' | 'oidc' | 'both' | undefined;
      };
      answer: {
        id: string;
        /** Not case-sensitive. */
        username: string;
        /** The user’s full name. */
        displayName: string;
        /** Where mail goes, such as first passwords. */
        email: string;
        role: 'appliance-admin' | 'appliance-auditor' | 'vault-admin' | 'cloud-admin' | 'auditor';
        /** A disabled user has no session and no API key. */
        state: 'ACTIVE' | 'DISABLED';
        /** After too many wrong passwords or codes; the lock expires, or an administrator lifts it. */
        locked: boolean;
        /** Whether the user has a second factor. */
        secondFactor: boolean;
        mustChangePassword: boolean;
        /** By password, through the OpenID Connect provider of the vault or appliance, or either. */
        signIn: 'password' | 'oidc' | 'both';
        lastSignInAt: string | null;
        /** UTC, ISO 8601 with milliseconds. */
        createdAt: string;
        /** UTC, ISO 8601 with milliseconds. */
        updatedAt: string;
        /** The first password, shown only once, if it was not sent by mail. Valid for seven days. */
        firstPassword?: string;
        /** Whether the first password was sent to the user by mail. */
        mailed: boolean;
        /** Why no mail was sent. */
        mailProblem?: string;
      };
    };
  };
  '/vaults/{vaultId}/users/{userId}': {
    GET: {
      query: undefined;
      body: undefined;
      answer: Schemas['User'];
    };
    PATCH: {
      query: undefined;
      body: {
        displayName?: string | undefined;
        email?: string | undefined;
        role?: 'vault-admin' | 'cloud-admin' | 'auditor' | undefined;
        state?: 'ACTIVE' | 'DISABLED' | undefined;
        signIn?: 'password' | 'oidc' | 'both' | undefined;
      };
      answer: Schemas['User'];
    };
    DELETE: {
      query: undefined;
      body: {
        reason?: string | undefined;
      };
      answer: undefined;
    };
  };
  '/vaults/{vaultId}/users/{userId}/unlock': {
    POST: {
      query: undefined;
      body: undefined;
      answer: Schemas['User'];
    };
  };
  '/vaults/{vaultId}/users/{userId}/password-reset': {
    POST: {
      query: undefined;
      body: undefined;
      answer: {
        id: string;
        /** Not case-sensitive. */
        username: string;
        /** The user’s full name. */
        displayName: string;
        /** Where mail goes, such as first passwords. */
        email: string;
        role: 'appliance-admin' | 'appliance-auditor' | 'vault-admin' | 'cloud-admin' | 'auditor';
        /** A disabled user has no session and no API key. */
        state: 'ACTIVE' | 'DISABLED';
        /** After too many wrong passwords or codes; the lock expires, or an administrator lifts it. */
        locked: boolean;
        /** Whether the user has a second factor. */
        secondFactor: boolean;
        mustChangePassword: boolean;
        /** By password, through the OpenID Connect provider of the vault or appliance, or either. */
        signIn: 'password' | 'oidc' | 'both';
        lastSignInAt: string | null;
        /** UTC, ISO 8601 with milliseconds. */
        createdAt: string;
        /** UTC, ISO 8601 with milliseconds. */
        updatedAt: string;
        /** The first password, shown only once, if it was not sent by mail. Valid for seven days. */
        firstPassword?: string;
        /** Whether the first password was sent to the user by mail. */
        mailed: boolean;
        /** Why no mail was sent. */
        mailProblem?: string;
      };
    };
  };
  '/vaults/{vaultId}/users/{userId}/totp-removal': {
    POST: {
      query: undefined;
      body: undefined;
      answer: Schemas['User'];
    };
  };
  '/vaults/{vaultId}/api-keys': {
    GET: {
      query: {
        userId?: string | undefined;
        state?: 'LIVE' | 'EXPIRED' | 'REVOKED' | undefined;
        limit?: number | undefined;
        cursor?: string | undefined;
        sort?: 'createdAt' | '-createdAt' | 'name' | '-name' | 'expiresAt' | '-expiresAt' | undefined;
      };
      body: undefined;
      answer: Schemas['UserApiKeyPage'];
    };
  };
  '/vaults/{vaultId}/api-keys/{apiKeyId}': {
    DELETE: {
      query: undefined;
      body: {
        reason?: string | undefined;
      };
      answer: undefined;
    };
  };
  '/vaults/{vaultId}/sessions/{sessionId}': {
    DELETE: {
      query: undefined;
      body: {
        reason?: string | undefined;
      };
      answer: undefined;
    };
  };
  '/vaults/{vaultId}/admin-groups': {
    GET: {
      query: {
        name?: string | undefined;
        limit?: number | undefined;
        cursor?: string | undefined;
        sort?: 'name' | '-name' | 'createdAt' | '-createdAt' | 'updatedAt' | '-updatedAt' | undefined;
      };
      body: undefined;
      answer: Schemas['AdminGroupPage'];
    };
    POST: {
      query: undefined;
      body: {
        name: string;
        description?: string | undefined;
      };
      answer: Schemas['AdminGroup'];
    };
  };
  '/vaults/{vaultId}/admin-groups/{groupId}': {
    GET: {
      query: undefined;
      body: undefined;
      answer: Schemas['AdminGroup'];
    };
    PATCH: {
      query: undefined;
      body: {
        name?: string | undefined;
        description?: string | undefined;
      };
      answer: Schemas['AdminGroup'];
    };
    DELETE: {
      query: undefined;
      body: {
        reason?: string | undefined;
      };
      answer: undefined;
    };
  };
  '/vaults/{vaultId}/admin-groups/{groupId}/members': {
    GET: {
      query: {
        limit?: number | undefined;
        cursor?: string | undefined;
        sort?: 'username' | '-username' | 'createdAt' | '-createdAt' | undefined;
      };
      body: undefined;
      answer: Schemas['AdminGroupMemberPage'];
    };
  };
  '/vaults/{vaultId}/admin-groups/{groupId}/members/{userId}': {
    PUT: {
      query: undefined;
      body: undefined;
      answer: undefined;
    };
    DELETE: {
      query: undefined;
      body: {
        reason?: string | undefined;
      };
      answer: undefined;
    };
  };
  '/vaults/{vaultId}/csp-accounts': {
    GET: {
      query: {
        name?: string | undefined;
        adminGroupId?: string | undefined;
        limit?: number | undefined;
        cursor?: string | undefined;
        sort?: 'name' | '-name' | 'createdAt' | '-createdAt' | 'updatedAt' | '-updatedAt' | undefined;
      };
      body: undefined;
      answer: Schemas['CspAccountPage'];
    };
    POST: {
      query: undefined;
      body: {
        name: string;
        adminGroupId: string;
        type?: 'manual' | 'access-key' | 'role' | 'ambient' | undefined;
        description?: string | undefined;
        awsAccountId?: string | undefined;
        defaultRegion?: string | undefined;
        partition?: 'aws' | 'aws-cn' | 'aws-us-gov' | 'aws-eusc' | undefined;
        fips?: boolean | undefined;
        accessKeyId?: string | null | undefined;
        secretAccessKey?: string | undefined;
        roleArn?: string | undefined;
        accessKeyRotation?:
          | {
              days: number | null;
            }
          | undefined;
      };
      answer: Schemas['CspAccount'];
    };
  };
  '/vaults/{vaultId}/csp-accounts/{cspAccountId}': {
    GET: {
      query: undefined;
      body: undefined;
      answer: Schemas['CspAccount'];
    };
    PATCH: {
      query: undefined;
      body: {
        name?: string | undefined;
        adminGroupId?: string | undefined;
        description?: string | undefined;
        type?: 'manual' | 'access-key' | 'role' | 'ambient' | undefined;
        awsAccountId?: string | undefined;
        defaultRegion?: string | undefined;
        partition?: 'aws' | 'aws-cn' | 'aws-us-gov' | 'aws-eusc' | undefined;
        fips?: boolean | undefined;
        accessKeyId?: string | null | undefined;
        secretAccessKey?: string | undefined;
        roleArn?: string | undefined;
        accessKeyRotation?:
          | {
              days: number | null;
            }
          | undefined;
      };
      answer: Schemas['CspAccount'];
    };
    DELETE: {
      query: undefined;
      body: {
        reason?: string | undefined;
      };
      answer: undefined;
    };
  };
  '/vaults/{vaultId}/csp-accounts/{cspAccountId}/check': {
    POST: {
      query: undefined;
      body: undefined;
      answer: Schemas['CspAccount'];
    };
  };
  '/vaults/{vaultId}/csp-accounts/{cspAccountId}/rotate-access-key': {
    POST: {
      query: undefined;
      body: undefined;
      answer: Schemas['CspAccount'];
    };
  };
  '/vaults/{vaultId}/csp-accounts/{cspAccountId}/policy': {
    GET: {
      query: undefined;
      body: undefined;
      answer: Schemas['CspAccountPolicy'];
    };
  };
  '/vaults/{vaultId}/csp-accounts/{cspAccountId}/principals': {
    GET: {
      query: {
        kind?: 'user' | 'role' | undefined;
        pathPrefix?: string | undefined;
        limit?: number | undefined;
        cursor?: string | undefined;
      };
      body: undefined;
      answer: Schemas['IamPrincipalPage'];
    };
  };
  '/vaults/{vaultId}/key-sets': {
    GET: {
      query: {
        name?: string | undefined;
        state?: 'ACTIVE' | 'FROZEN' | undefined;
        adminGroupId?: string | undefined;
        cspAccountId?: string | undefined;
        token?: string | undefined;
        limit?: number | undefined;
        cursor?: string | undefined;
        sort?: 'name' | '-name' | 'createdAt' | '-createdAt' | 'updatedAt' | '-updatedAt' | undefined;
      };
      body: undefined;
      answer: Schemas['KeySetPage'];
    };
    POST: {
      query: undefined;
      body: {
        name: string;
        token: string;
        pathPrefix?: string | undefined;
        description?: string | undefined;
        adminGroupId?: string | null | undefined;
        cspAccountId?: string | null | undefined;
        externalKeyStore?: boolean | undefined;
        rotation?:
          | {
              days: number | null;
            }
          | undefined;
        quota?:
          | {
              requestsPerSecond: number;
              burst?: number | undefined;
            }
          | null
          | undefined;
      };
      answer: Schemas['KeySet'];
    };
  };
  '/vaults/{vaultId}/key-sets/{keySetId}': {
    GET: {
      query: undefined;
      body: undefined;
      answer: Schemas['KeySet'];
    };
    PATCH: {
      query: undefined;
      body: {
        name?: string | undefined;
        token?: string | undefined;
        pathPrefix?: string | undefined;
        description?: string | undefined;
        adminGroupId?: string | null | undefined;
        cspAccountId?: string | null | undefined;
        externalKeyStore?: boolean | undefined;
        rotation?:
          | {
              days: number | null;
            }
          | undefined;
        quota?:
          | {
              requestsPerSecond: number;
              burst?: number | undefined;
            }
          | null
          | undefined;
      };
      answer: Schemas['KeySet'];
    };
    DELETE: {
      query: undefined;
      body: {
        reason?: string | undefined;
      };
      answer: undefined;
    };
  };
  '/vaults/{vaultId}/key-sets/{keySetId}/freeze': {
    POST: {
      query: undefined;
      body: {
        reason?: string | undefined;
      };
      answer: Schemas['KeySet'];
    };
  };
  '/vaults/{vaultId}/key-sets/{keySetId}/thaw': {
    POST: {
      query: undefined;
      body: {
        reason?: string | undefined;
      };
      answer: Schemas['KeySet'];
    };
  };
  '/vaults/freeze': {
    POST: {
      query: undefined;
      body: {
        reason?: string | undefined;
      };
      answer: Schemas['VaultFreezes'];
    };
  };
  '/vaults/{vaultId}/freeze': {
    POST: {
      query: undefined;
      body: {
        reason?: string | undefined;
      };
      answer: Schemas['Vault'];
    };
  };
  '/vaults/{vaultId}/thaw': {
    POST: {
      query: undefined;
      body: {
        reason?: string | undefined;
      };
      answer: Schemas['Vault'];
    };
  };
  '/vaults/{vaultId}/key-sets/freeze': {
    POST: {
      query: undefined;
      body: {
        keySets: 'all' | readonly string[];
        reason?: string | undefined;
      };
      answer: Schemas['KeySetFreezes'];
    };
  };
  '/vaults/{vaultId}/key-sets/thaw': {
    POST: {
      query: undefined;
      body: {
        keySets: 'all' | readonly string[];
        reason?: string | undefined;
      };
      answer: Schemas['KeySetFreezes'];
    };
  };
  '/vaults/{vaultId}/key-sets/{keySetId}/credentials': {
    GET: {
      query: {
        limit?: number | undefined;
        cursor?: string | undefined;
        sort?: 'createdAt' | '-createdAt' | undefined;
      };
      body: undefined;
      answer: Schemas['CredentialPage'];
    };
    POST: {
      query: undefined;
      body: {
        expiresAt?: string | null | undefined;
        retireAfterQuietMinutes?: number | null | undefined;
      };
      answer: Schemas['IssuedCredential'];
    };
  };
  '/vaults/{vaultId}/key-sets/{keySetId}/credentials/{accessKeyId}': {
    GET: {
      query: undefined;
      body: undefined;
      answer: Schemas['Credential'];
    };
    PATCH: {
      query: undefined;
      body: {
        expiresAt?: string | null | undefined;
        retireAfterQuietMinutes?: number | null | undefined;
      };
      answer: Schemas['Credential'];
    };
    DELETE: {
      query: undefined;
      body: {
        reason?: string | undefined;
      };
      answer: undefined;
    };
  };
  '/vaults/{vaultId}/key-sets/{keySetId}/credentials/{accessKeyId}/rotate': {
    POST: {
      query: undefined;
      body: {
        expiresAt?: string | null | undefined;
        retireAfterQuietMinutes?: number | null | undefined;
      };
      answer: Schemas['IssuedCredential'];
    };
  };
  '/vaults/{vaultId}/external-key-stores': {
    GET: {
      query: {
        id?: string | undefined;
        name?: string | undefined;
        region?: string | undefined;
        cspAccountId?: string | undefined;
        limit?: number | undefined;
        cursor?: string | undefined;
        sort?:
          | 'name'
          | '-name'
          | 'region'
          | '-region'
          | 'createdAt'
          | '-createdAt'
          | 'updatedAt'
          | '-updatedAt'
          | undefined;
      };
      body: undefined;
      answer: Schemas['ExternalKeyStorePage'];
    };
  };
  '/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores': {
    GET: {
      query: {
        region?: string | undefined;
        limit?: number | undefined;
        cursor?: string | undefined;
        sort?:
          | 'name'
          | '-name'
          | 'region'
          | '-region'
          | 'createdAt'
          | '-createdAt'
          | 'updatedAt'
          | '-updatedAt'
          | undefined;
      };
      body: undefined;
      answer: Schemas['ExternalKeyStorePage'];
    };
    POST: {
      query: undefined;
      body: {
        region: string;
        name?: string | undefined;
        connectivity?: 'PUBLIC_ENDPOINT' | 'VPC_ENDPOINT_SERVICE' | undefined;
        uriEndpoint?: string | undefined;
        vpcEndpointServiceName?: string | undefined;
        vpcEndpointServiceOwner?: string | undefined;
        make?: boolean | undefined;
        connect?: boolean | undefined;
      };
      answer: Schemas['ExternalKeyStore'];
    };
  };
  '/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores/candidates': {
    GET: {
      query: {
        region: string;
        limit?: number | undefined;
        cursor?: string | undefined;
      };
      body: undefined;
      answer: Schemas['ExternalKeyStoreCandidatePage'];
    };
  };
  '/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores/link': {
    POST: {
      query: undefined;
      body: {
        region: string;
        customKeyStoreId: string;
        name?: string | undefined;
        uriEndpoint?: string | undefined;
      };
      answer: Schemas['ExternalKeyStore'];
    };
  };
  '/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores/{externalKeyStoreId}': {
    GET: {
      query: undefined;
      body: undefined;
      answer: Schemas['ExternalKeyStore'];
    };
    PATCH: {
      query: undefined;
      body: {
        name?: string | undefined;
        connectivity?: 'PUBLIC_ENDPOINT' | 'VPC_ENDPOINT_SERVICE' | undefined;
        uriEndpoint?: string | undefined;
        vpcEndpointServiceName?: string | undefined;
        vpcEndpointServiceOwner?: string | undefined;
        restorePath?: boolean | undefined;
        disconnect?: boolean | undefined;
        customKeyStoreId?: string | undefined;
        state?: 'CONNECTED' | 'DISCONNECTED' | 'FAILED' | 'UNKNOWN' | undefined;
        connectionError?: string | undefined;
      };
      answer: Schemas['ExternalKeyStore'];
    };
    DELETE: {
      query: {
        disconnect?: 'true' | 'false' | undefined;
        forget?: 'true' | 'false' | undefined;
      };
      body: {
        reason?: string | undefined;
      };
      answer: Schemas['ExternalKeyStoreDeletion'];
    };
  };
  '/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores/{externalKeyStoreId}/connect': {
    POST: {
      query: undefined;
      body: undefined;
      answer: Schemas['ExternalKeyStore'];
    };
  };
  '/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores/{externalKeyStoreId}/disconnect': {
    POST: {
      query: undefined;
      body: {
        reason?: string | undefined;
      };
      answer: Schemas['ExternalKeyStore'];
    };
  };
  '/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores/{externalKeyStoreId}/refresh': {
    POST: {
      query: undefined;
      body: undefined;
      answer: Schemas['ExternalKeyStore'];
    };
  };
  '/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores/{externalKeyStoreId}/rotate-credential': {
    POST: {
      query: undefined;
      body: {
        retireAfterQuietMinutes?: number | undefined;
        done?: boolean | undefined;
      };
      answer: Schemas['ExternalKeyStoreRotation'];
    };
  };
  '/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores/{externalKeyStoreId}/console': {
    POST: {
      query: undefined;
      body: {
        credential?: boolean | undefined;
      };
      answer: Schemas['ExternalKeyStoreByHand'];
    };
  };
  '/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores/{externalKeyStoreId}/doctor-report': {
    GET: {
      query: undefined;
      body: undefined;
      answer: Schemas['DoctorReport'];
    };
    PUT: {
      query: undefined;
      body: {
        hostname: string;
        endpoint: string;
        findings: readonly Schemas['DoctorFindingInput'][];
      };
      answer: Schemas['DoctorReport'];
    };
  };
  '/cloud-keys/find': {
    POST: {
      query: undefined;
      body: {
        called: string;
      };
      answer: Schemas['FoundCloudKeys'];
    };
  };
  '/vaults/{vaultId}/cloud-keys': {
    GET: {
      query: {
        keySetId?: string | undefined;
        region?: string | undefined;
        state?:
          'CREATING' | 'AVAILABLE' | 'DISABLED' | 'EXPIRED' | 'PENDING_DELETION' | 'DELETED' | undefined;
        name?: string | undefined;
        externalKeyId?: string | undefined;
        called?: string | undefined;
        limit?: number | undefined;
        cursor?: string | undefined;
        sort?:
          | 'name'
          | '-name'
          | 'region'
          | '-region'
          | 'createdAt'
          | '-createdAt'
          | 'updatedAt'
          | '-updatedAt'
          | undefined;
      };
      body: undefined;
      answer: Schemas['CloudKeyPage'];
    };
    POST: {
      query: undefined;
      body: {
        name: string;
        description?: string | undefined;
        region?: string | undefined;
        administrators?: readonly string[] | undefined;
        users?: readonly string[] | undefined;
        rotation?:
          | {
              kind: 'INHERIT';
            }
          | {
              kind: 'NEVER';
            }
          | {
              kind: 'DAYS';
              days: number;
            }
          | undefined;
        expiresAt?: string | null | undefined;
        quota?:
          | {
              requestsPerSecond: number;
              burst?: number | undefined;
            }
          | null
          | undefined;
        keySetId: string;
        externalKeyId?: string | undefined;
        usage?: 'encrypt-decrypt' | 'encrypt-only' | 'decrypt-only' | 'neither' | undefined;
        kmsKey?:
          | boolean
          | {
              alias?: string | undefined;
              description?: string | undefined;
              tags?: Record<string, string> | undefined;
              policy?: ('generated' | 'generated-without-root') | Record<string, unknown> | undefined;
            }
          | undefined;
      };
      answer: Schemas['CloudKey'];
    };
  };
  '/vaults/{vaultId}/cloud-keys/preview': {
    POST: {
      query: undefined;
      body: {
        name: string;
        description?: string | undefined;
        region?: string | undefined;
        administrators?: readonly string[] | undefined;
        users?: readonly string[] | undefined;
        rotation?:
          | {
              kind: 'INHERIT';
            }
          | {
              kind: 'NEVER';
            }
          | {
              kind: 'DAYS';
              days: number;
            }
          | undefined;
        expiresAt?: string | null | undefined;
        quota?:
          | {
              requestsPerSecond: number;
              burst?: number | undefined;
            }
          | null
          | undefined;
        keySetId: string;
        externalKeyId?: string | undefined;
        usage?: 'encrypt-decrypt' | 'encrypt-only' | 'decrypt-only' | 'neither' | undefined;
        kmsKey?:
          | boolean
          | {
              alias?: string | undefined;
              description?: string | undefined;
              tags?: Record<string, string> | undefined;
              policy?: ('generated' | 'generated-without-root') | Record<string, unknown> | undefined;
            }
          | undefined;
      };
      answer: Schemas['CloudKeyPreview'];
    };
  };
  '/vaults/{vaultId}/cloud-keys/adoptions': {
    POST: {
      query: undefined;
      body: {
        name: string;
        description?: string | undefined;
        region?: string | undefined;
        administrators?: readonly string[] | undefined;
        users?: readonly string[] | undefined;
        rotation?:
          | {
              kind: 'INHERIT';
            }
          | {
              kind: 'NEVER';
            }
          | {
              kind: 'DAYS';
              days: number;
            }
          | undefined;
        expiresAt?: string | null | undefined;
        quota?:
          | {
              requestsPerSecond: number;
              burst?: number | undefined;
            }
          | null
          | undefined;
        keySetId: string;
        label: string;
        externalKeyId?: string | undefined;
        restrict?: boolean | undefined;
      };
      answer: Schemas['CloudKey'];
    };
  };
  '/vaults/{vaultId}/cloud-keys/{cloudKeyId}': {
    GET: {
      query: undefined;
      body: undefined;
      answer: Schemas['OneCloudKey'];
    };
    PATCH: {
      query: undefined;
      body: {
        name?: string | undefined;
        description?: string | undefined;
        region?: string | undefined;
        administrators?: readonly string[] | undefined;
        users?: readonly string[] | undefined;
        rotation?:
          | {
              kind: 'INHERIT';
            }
          | {
              kind: 'NEVER';
            }
          | {
              kind: 'DAYS';
              days: number;
            }
          | undefined;
        expiresAt?: string | null | undefined;
        quota?:
          | {
              requestsPerSecond: number;
              burst?: number | undefined;
            }
          | null
          | undefined;
        applyToKms?: boolean | undefined;
      };
      answer: Schemas['ActedCloudKey'];
    };
  };
  '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/versions': {
    GET: {
      query: {
        limit?: number | undefined;
        cursor?: string | undefined;
      };
      body: undefined;
      answer: Schemas['KeyVersionPage'];
    };
  };
  '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/disable': {
    POST: {
      query: undefined;
      body: {
        cloud?: 'ours' | 'both' | undefined;
        reason?: string | undefined;
      };
      answer: Schemas['ActedCloudKey'];
    };
  };
  '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/enable': {
    POST: {
      query: undefined;
      body: {
        cloud?: 'ours' | 'both' | undefined;
        reason?: string | undefined;
      };
      answer: Schemas['ActedCloudKey'];
    };
  };
  '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/rotate': {
    POST: {
      query: undefined;
      body: undefined;
      answer: Schemas['CloudKey'];
    };
  };
  '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/schedule-deletion': {
    POST: {
      query: undefined;
      body: {
        days?: number | undefined;
        cloud?: 'ours' | 'both' | undefined;
        reason?: string | undefined;
      };
      answer: Schemas['ActedCloudKey'];
    };
  };
  '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/cancel-deletion': {
    POST: {
      query: undefined;
      body: {
        cloud?: 'ours' | 'both' | undefined;
        reason?: string | undefined;
      };
      answer: Schemas['ActedCloudKey'];
    };
  };
  '/vaults/{vaultId}/kms-keys': {
    GET: {
      query: {
        id?: string | undefined;
        cloudKeyId?: string | undefined;
        keySetId?: string | undefined;
        region?: string | undefined;
        cloudStatus?: 'AVAILABLE' | 'DISABLED' | 'PENDING_DELETION' | 'NOT_FOUND' | 'UNKNOWN' | undefined;
        step?: 'KEY' | 'ALIAS' | 'DONE' | 'GONE' | undefined;
        alias?: string | undefined;
        keyArn?: string | undefined;
        limit?: number | undefined;
        cursor?: string | undefined;
        sort?:
          | 'createdAt'
          | '-createdAt'
          | 'alias'
          | '-alias'
          | 'region'
          | '-region'
          | 'updatedAt'
          | '-updatedAt'
          | undefined;
      };
      body: undefined;
      answer: Schemas['KmsKeyPage'];
    };
  };
  '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys': {
    GET: {
      query: {
        limit?: number | undefined;
        cursor?: string | undefined;
        sort?:
          | 'createdAt'
          | '-createdAt'
          | 'alias'
          | '-alias'
          | 'region'
          | '-region'
          | 'updatedAt'
          | '-updatedAt'
          | undefined;
      };
      body: undefined;
      answer: Schemas['KmsKeyPage'];
    };
    POST: {
      query: undefined;
      body: {
        externalKeyStoreId?: string | undefined;
        region?: string | undefined;
        alias?: string | undefined;
        description?: string | undefined;
        tags?: Record<string, string> | undefined;
        policy?: ('generated' | 'generated-without-root') | Record<string, unknown> | undefined;
        keyArn?: string | undefined;
      };
      answer: Schemas['KmsKey'];
    };
  };
  '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys/{kmsKeyId}': {
    GET: {
      query: undefined;
      body: undefined;
      answer: Schemas['KmsKey'];
    };
    PATCH: {
      query: undefined;
      body: {
        alias?: string | undefined;
        description?: string | undefined;
        tags?: Record<string, string> | undefined;
        policy?: ('generated' | 'generated-without-root') | Record<string, unknown> | undefined;
        keyArn?: string | undefined;
        apply?: boolean | undefined;
      };
      answer: Schemas['KmsKey'];
    };
    DELETE: {
      query: {
        aws: 'keep' | 'schedule-deletion';
        days?: number | undefined;
      };
      body: {
        reason?: string | undefined;
      };
      answer: Schemas['KmsKey'];
    };
  };
  '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys/{kmsKeyId}/console': {
    GET: {
      query: undefined;
      body: undefined;
      answer: Schemas['KmsKeyConsole'];
    };
  };
  '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys/{kmsKeyId}/retry': {
    POST: {
      query: undefined;
      body: {
        takeAlias?: boolean | undefined;
      };
      answer: Schemas['KmsKey'];
    };
  };
  '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys/{kmsKeyId}/refresh': {
    POST: {
      query: undefined;
      body: undefined;
      answer: Schemas['KmsKey'];
    };
  };
  '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys/{kmsKeyId}/enable': {
    POST: {
      query: undefined;
      body: {
        reason?: string | undefined;
      };
      answer: Schemas['KmsKey'];
    };
  };
  '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys/{kmsKeyId}/disable': {
    POST: {
      query: undefined;
      body: {
        reason?: string | undefined;
      };
      answer: Schemas['KmsKey'];
    };
  };
  '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys/{kmsKeyId}/schedule-deletion': {
    POST: {
      query: undefined;
      body: {
        days?: number | undefined;
        reason?: string | undefined;
      };
      answer: Schemas['KmsKey'];
    };
  };
  '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys/{kmsKeyId}/cancel-deletion': {
    POST: {
      query: undefined;
      body: {
        reason?: string | undefined;
      };
      answer: Schemas['KmsKey'];
    };
  };
  '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys/{kmsKeyId}/apply': {
    POST: {
      query: undefined;
      body: {
        what?: readonly ('policy' | 'alias' | 'description' | 'tags' | 'state' | 'key-store')[] | undefined;
      };
      answer: Schemas['KmsKey'];
    };
  };
  '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys/{kmsKeyId}/accept': {
    POST: {
      query: undefined;
      body: {
        what?: readonly ('policy' | 'alias' | 'description' | 'tags' | 'state' | 'key-store')[] | undefined;
      };
      answer: Schemas['KmsKey'];
    };
  };
  '/vaults/{vaultId}/key-sets/{keySetId}/kms-keys/unlinked': {
    GET: {
      query: {
        region: string;
        cursor?: string | undefined;
      };
      body: undefined;
      answer: Schemas['UnlinkedKmsKeyPage'];
    };
  };
  '/audit-events': {
    GET: {
      query: {
        sequence?: number | undefined;
        action?: string | undefined;
        actor?: string | undefined;
        target?: string | undefined;
        outcome?: 'done' | 'refused' | undefined;
        requestId?: string | undefined;
        from?: string | undefined;
        to?: string | undefined;
        limit?: number | undefined;
        cursor?: string | undefined;
        sort?: '-sequence' | 'sequence' | undefined;
        deletedVault?: string | undefined;
      };
      body: undefined;
      answer: Schemas['ApplianceAuditEventPage'];
    };
  };
  '/vaults/{vaultId}/audit-events': {
    GET: {
      query: {
        sequence?: number | undefined;
        action?: string | undefined;
        actor?: string | undefined;
        target?: string | undefined;
        outcome?: 'done' | 'refused' | undefined;
        requestId?: string | undefined;
        from?: string | undefined;
        to?: string | undefined;
        limit?: number | undefined;
        cursor?: string | undefined;
        sort?: '-sequence' | 'sequence' | undefined;
      };
      body: undefined;
      answer: Schemas['AuditEventPage'];
    };
  };
  '/audit-trail': {
    GET: {
      query: {
        deletedVault?: string | undefined;
      };
      body: undefined;
      answer: Schemas['AuditTrail'];
    };
  };
  '/audit-prunings': {
    GET: {
      query: {
        limit?: number | undefined;
        cursor?: string | undefined;
        sort?: '-askedAt' | 'askedAt' | undefined;
        deletedVault?: string | undefined;
      };
      body: undefined;
      answer: Schemas['ApplianceAuditPruningPage'];
    };
    POST: {
      query: undefined;
      body: {
        from?: string | null | undefined;
        before: string;
        count: number;
        sha256: string;
        deletedVault?: string | undefined;
      };
      answer: Schemas['AuditPruning'];
    };
  };
  '/audit-prunings/{pruningId}': {
    GET: {
      query: undefined;
      body: undefined;
      answer: Schemas['AuditPruning'];
    };
  };
  '/vaults/{vaultId}/audit-trail': {
    GET: {
      query: undefined;
      body: undefined;
      answer: Schemas['AuditTrail'];
    };
  };
  '/vaults/{vaultId}/audit-prunings': {
    GET: {
      query: {
        limit?: number | undefined;
        cursor?: string | undefined;
        sort?: '-askedAt' | 'askedAt' | undefined;
      };
      body: undefined;
      answer: Schemas['AuditPruningPage'];
    };
    POST: {
      query: undefined;
      body: {
        from?: string | null | undefined;
        before: string;
        count: number;
        sha256: string;
      };
      answer: Schemas['AuditPruning'];
    };
  };
  '/vaults/{vaultId}/audit-prunings/{pruningId}': {
    GET: {
      query: undefined;
      body: undefined;
      answer: Schemas['AuditPruning'];
    };
  };
  '/reconciliations': {
    GET: {
      query: {
        limit?: number | undefined;
        cursor?: string | undefined;
        sort?: '-beganAt' | 'beganAt' | undefined;
      };
      body: undefined;
      answer: Schemas['ReconciliationPage'];
    };
    POST: {
      query: undefined;
      body: undefined;
      answer: Schemas['Reconciliation'];
    };
  };
  '/reconciliations/{reconciliationId}': {
    GET: {
      query: undefined;
      body: undefined;
      answer: Schemas['Reconciliation'];
    };
  };
  '/vaults/{vaultId}/reconciliations': {
    GET: {
      query: {
        limit?: number | undefined;
        cursor?: string | undefined;
        sort?: '-beganAt' | 'beganAt' | undefined;
      };
      body: undefined;
      answer: Schemas['VaultReconciliationPage'];
    };
    POST: {
      query: undefined;
      body: undefined;
      answer: Schemas['Reconciliation'];
    };
  };
  '/vaults/{vaultId}/reconciliations/{reconciliationId}': {
    GET: {
      query: undefined;
      body: undefined;
      answer: Schemas['Reconciliation'];
    };
  };
}
