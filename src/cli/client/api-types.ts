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
    /** What AWS calls it, for ever. */
    externalKeyId: string;
    /** Only AVAILABLE ones serve. CREATING: its key object is being made. */
    state: 'CREATING' | 'AVAILABLE' | 'DISABLED' | 'EXPIRED' | 'PENDING_DELETION' | 'DELETED';
    /** What a request for it meets: `state`, or FROZEN where it is AVAILABLE and its key set or vault is FROZEN. */
    effectiveState:
      'CREATING' | 'AVAILABLE' | 'DISABLED' | 'EXPIRED' | 'PENDING_DELETION' | 'DELETED' | 'FROZEN';
    /** AWS Region such as `eu-central-1`; empty where it is not told. */
    region: string;
    /** ARNs of IAM users and roles that may administer the KMS key; none twice. */
    administrators: string[];
    /** ARNs of IAM users and roles that may use the KMS key; none twice. */
    users: string[];
    usage: 'encrypt-decrypt' | 'encrypt-only' | 'decrypt-only' | 'neither';
    /** The version that new ciphertext is made with. */
    currentVersion: number;
    /** When it is rotated by itself. */
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
    /** When the current version was made. */
    rotatedAt: string;
    /** When it is rotated by itself; null for never. */
    nextRotationAt: string | null;
    expiresAt: string | null;
    /** With PENDING_DELETION: when its key objects are destroyed. */
    deletionAt: string | null;
    deletedAt: string | null;
    /** XKS requests a second, and how many at once; null for no quota. */
    quota: {
      requestsPerSecond: number;
      burst: number;
    } | null;
    /** How often and when AWS last used it. */
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
    /** With `cloud` both, or `applyToKms`: what came of it in AWS. */
    aws?: Schemas['CloudOutcome'][];
  };
  AdminGroup: {
    id: string;
    /** Unique within the vault. */
    name: string;
    /** Free text. */
    description: string;
    /** How many users are in it. */
    members: number;
    /** UTC, ISO 8601 with milliseconds. */
    createdAt: string;
    /** UTC, ISO 8601 with milliseconds. */
    updatedAt: string;
  };
  AdminGroupMemberPage: {
    items: Schemas['User'][];
    /** Asks for the next page, as `cursor`; null at the end. */
    next: string | null;
  };
  AdminGroupPage: {
    items: Schemas['AdminGroup'][];
    /** Asks for the next page, as `cursor`; null at the end. */
    next: string | null;
  };
  ApiKey: {
    id: string;
    name: string;
    /** What it may do, as long as its owner may. */
    scope: (
      | 'appliance.read'
      | 'vaults.write'
      | 'vaults.freeze'
      | 'cloud-keys.find'
      | 'tokens.verify'
      | 'appliance.write'
      | 'appliance-users.write'
      | 'appliance-audit.prune'
      | 'vault.read'
      | 'vault.write'
      | 'vault.freeze'
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
    /** Asks for the next page, as `cursor`; null at the end. */
    next: string | null;
  };
  ApplianceAuditEventPage: {
    items: Schemas['AuditEvent'][];
    /** Asks for the next page, as `cursor`; null at the end. */
    next: string | null;
  };
  ApplianceAuditPruningPage: {
    items: Schemas['AuditPruning'][];
    /** Asks for the next page, as `cursor`; null at the end. */
    next: string | null;
  };
  ApplianceUserPage: {
    items: Schemas['User'][];
    /** Asks for the next page, as `cursor`; null at the end. */
    next: string | null;
  };
  AuditEvent: {
    /** Rises with every event of the appliance and its vaults. */
    sequence: number;
    /** When it was done. */
    at: string;
    /** When its request came, or its schedule began it: earlier than `at` where it had to wait. */
    beganAt: string | null;
    actor: {
      kind: 'user' | 'api-key' | 'system' | 'command' | 'nobody';
      id: string;
      name: string;
      /** Of a user or an API key: which vault they are of, empty for those of the appliance, whose names may be the same. Missing in events of before 0.5. */
      vaultId?: string;
    };
    /** Where the request came from; empty for acts of Holdfast itself. */
    address: string;
    requestId: string;
    action: string;
    outcome: 'done' | 'refused';
    target: {
      kind: string;
      id: string;
      name: string;
    };
    /** What differs between before and after; null where there is nothing to tell. */
    before: Record<string, unknown> | null;
    /** What differs between before and after; null where there is nothing to tell. */
    after: Record<string, unknown> | null;
  };
  AuditEventPage: {
    items: Schemas['AuditEvent'][];
    /** Asks for the next page, as `cursor`; null at the end. */
    next: string | null;
  };
  /** Which events were deleted from a trail, and who asked for it. It is kept for ever. */
  AuditPruning: {
    id: string;
    /** Of which trail; null for that of the appliance. */
    vaultId: string | null;
    /** `VERIFYING` while the node compares its events with the digest, `DELETING` once they were the same. */
    state: 'VERIFYING' | 'DELETING' | 'DONE' | 'REFUSED';
    /** Why it was refused; then nothing was deleted. */
    problem: string | null;
    /** Events from this moment on; null for the beginning. */
    from: string | null;
    /** And before this one. */
    before: string;
    /** How many events are in the archive. */
    count: number;
    /** SHA-256 of their lines in the archive. */
    sha256: string;
    /** The first of them. */
    first: {
      sequence: number;
      /** UTC, ISO 8601 with milliseconds. */
      at: string;
    } | null;
    /** The last of them. */
    last: {
      sequence: number;
      /** UTC, ISO 8601 with milliseconds. */
      at: string;
    } | null;
    /** How many were deleted by now. */
    deleted: number;
    /** How many stay: by those of the making, rotation and deletion of keys the node knows which key objects it may destroy. */
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
    /** Asks for the next page, as `cursor`; null at the end. */
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
    /** By the clock of the node. */
    now: string;
    /** No younger event is pruned; `audit.keep_at_least_days` of the node. */
    keepAtLeastDays: number;
    /** What lies before this moment may be pruned. */
    prunableBefore: string;
    /** Up to where the trail was pruned; null where it never was. */
    prunedBefore: string | null;
  };
  Caller: {
    id: string;
    username: string;
    displayName: string;
    role: 'appliance-admin' | 'appliance-auditor' | 'vault-admin' | 'cloud-admin' | 'auditor';
    /** Null for users of the appliance. */
    vaultId: string | null;
    /** Of an API key those of its scope. */
    permissions: (
      | 'appliance.read'
      | 'vaults.write'
      | 'vaults.freeze'
      | 'cloud-keys.find'
      | 'tokens.verify'
      | 'appliance.write'
      | 'appliance-users.write'
      | 'appliance-audit.prune'
      | 'vault.read'
      | 'vault.write'
      | 'vault.freeze'
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
    /** What AWS calls it, for ever. */
    externalKeyId: string;
    /** Only AVAILABLE ones serve. CREATING: its key object is being made. */
    state: 'CREATING' | 'AVAILABLE' | 'DISABLED' | 'EXPIRED' | 'PENDING_DELETION' | 'DELETED';
    /** What a request for it meets: `state`, or FROZEN where it is AVAILABLE and its key set or vault is FROZEN. */
    effectiveState:
      'CREATING' | 'AVAILABLE' | 'DISABLED' | 'EXPIRED' | 'PENDING_DELETION' | 'DELETED' | 'FROZEN';
    /** AWS Region such as `eu-central-1`; empty where it is not told. */
    region: string;
    /** ARNs of IAM users and roles that may administer the KMS key; none twice. */
    administrators: string[];
    /** ARNs of IAM users and roles that may use the KMS key; none twice. */
    users: string[];
    usage: 'encrypt-decrypt' | 'encrypt-only' | 'decrypt-only' | 'neither';
    /** The version that new ciphertext is made with. */
    currentVersion: number;
    /** When it is rotated by itself. */
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
    /** When the current version was made. */
    rotatedAt: string;
    /** When it is rotated by itself; null for never. */
    nextRotationAt: string | null;
    expiresAt: string | null;
    /** With PENDING_DELETION: when its key objects are destroyed. */
    deletionAt: string | null;
    deletedAt: string | null;
    /** XKS requests a second, and how many at once; null for no quota. */
    quota: {
      requestsPerSecond: number;
      burst: number;
    } | null;
    /** How often and when AWS last used it. */
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
    /** Asks for the next page, as `cursor`; null at the end. */
    next: string | null;
  };
  CloudKeyVersion: {
    version: number;
    /** ACTIVE versions decrypt what they encrypted; PENDING ones are being made. */
    state: 'PENDING' | 'ACTIVE' | 'DESTROYING' | 'DESTROYED';
    /** Made here, or taken over from AWS’s sample proxy. */
    origin: 'holdfast' | 'aws-sample-proxy';
    /** New ciphertext is made with it. */
    current: boolean;
    /** No more encryptions than this were done with it. At 2³¹ the CloudKey is rotated by itself. */
    encryptionsAtMost: number;
    /** UTC, ISO 8601 with milliseconds. */
    createdAt: string;
    destroyedAt: string | null;
    /** Its key object has to open a proof that was made with the key before anything is done with it. False for those of before, until they are reconciled, and for keys of one usage: there label and attributes have to do. */
    proven: boolean;
    /** The key object in the token is not the key on record: nothing is encrypted or decrypted with it, and requests for it fail. Null while it is the right one. */
    unfit: {
      /** UTC, ISO 8601 with milliseconds. */
      since: string;
      why: string;
    } | null;
  };
  /** What came of it at one of the KMS keys. */
  CloudOutcome: {
    kmsKeyId: string;
    /** AWS Region such as `eu-central-1`; empty where it is not told. */
    region: string;
    keyArn: string | null;
    /** `pending`: AWS has not answered, or failed; it stays wanted and is repeated. `by-hand`: nothing here signs in to AWS for it. */
    outcome: 'done' | 'pending' | 'by-hand' | 'no-key';
    problem: {
      /** AWS’s operation. */
      operation: string;
      /** `waiting`: for something that is not there yet. `settling`: AWS does not show yet what was just made or changed. `proxy`: AWS KMS asked the proxy in vain. All of them go on by themselves. */
      fault: string;
      /** AWS’s name for it, or ours. */
      code: string;
      message: string;
      remediation: string;
      /** UTC, ISO 8601 with milliseconds. */
      at: string;
      /** The KMS key that is in the way. */
      keyArn?: string;
      /** How often in a row it has failed so. */
      times?: number;
      /** When AWS was asked for what it does not show yet. */
      since?: string;
    } | null;
  };
  Credential: {
    /** Access key id: what AWS signs its requests with. */
    accessKeyId: string;
    /** RETIRED: withdrawn by itself once its successor had taken over. Only LIVE ones open anything. */
    state: 'LIVE' | 'EXPIRED' | 'WITHDRAWN' | 'RETIRED';
    /** From this moment on it opens nothing; null for never. */
    expiresAt: string | null;
    retireAfterQuietMinutes: number | null;
    /** Access key id of the credential that takes its place. */
    successor: string | null;
    /** When a request signed with it last came; null for not yet. */
    lastSeenAt: string | null;
    /** Address that this request came from. */
    lastAddress: string | null;
    /** How many requests signed with it have come. */
    requests: number;
    /** UTC, ISO 8601 with milliseconds. */
    createdAt: string;
    withdrawnAt: string | null;
  };
  CredentialPage: {
    items: Schemas['Credential'][];
    /** Asks for the next page, as `cursor`; null at the end. */
    next: string | null;
  };
  CspAccount: {
    id: string;
    name: string;
    /** Free text. */
    description: string;
    /** Admin group whose members see it. */
    adminGroupId: string;
    /** How AWS is reached: `access-key` of an IAM user; `role`, which is assumed with an access key or, without one, with the node’s own credentials; `ambient`, those directly, for vaults that the configuration names; or `manual`, by hand, with no credential of AWS. */
    type: 'manual' | 'access-key' | 'role' | 'ambient';
    /** 12 digits; empty where it is not told. With all types but `manual` AWS tells it. */
    awsAccountId: string;
    /** Region of CloudKeys for which none is told. */
    defaultRegion: string;
    /** Part of AWS: China, GovCloud and the European Sovereign Cloud are their own. */
    partition: 'aws' | 'aws-cn' | 'aws-us-gov' | 'aws-eusc';
    /** Use AWS’s FIPS endpoints; STS has them in the United States alone. */
    fips: boolean;
    accessKeyId: string | null;
    /** When IAM made it, or where that is not known when it was entered. */
    accessKeyCreatedAt: string | null;
    roleArn: string | null;
    /** For the trust policy of the role: made here, so that no other CSP account has the role assumed. */
    externalId: string | null;
    /** How often the access key is rotated. */
    accessKeyRotation: {
      /** Null for never. */
      days: number | null;
    };
    nextAccessKeyRotationAt: string | null;
    /** How far a rotation under way has come; null while none is. */
    accessKeyRotationState: ('CREATING' | 'VERIFYING' | 'SWITCHED') | null;
    /** Why it stopped; it is tried again by itself. */
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
      /** AWS takes the credential, and nothing that is needed for key stores and keys is missing. */
      ok: boolean;
      /** Who AWS knows the credential as; null where it does not take it. */
      arn: string | null;
      accountId: string | null;
      /** How permissions were looked at: IAM was asked, or what only reads was tried. */
      method: 'simulated' | 'tried' | 'none';
      /** Actions that are not allowed. One that was allowed a moment ago may be among them: that takes effect in AWS after seconds, sometimes minutes. Check again then. */
      missing: string[];
      /** Actions that it is not known of. */
      notTried: string[];
      /** What is wrong with the credential, or unwise; null where nothing is. */
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
    /** Asks for the next page, as `cursor`; null at the end. */
    next: string | null;
  };
  CspAccountPolicy: {
    /** The least policy of the IAM user or the role. */
    policy: {
      Version: '2012-10-17';
      Statement: Record<string, unknown>[];
    };
    /** Of the role, with its external id; null with other types. */
    trustPolicy: {
      Version: '2012-10-17';
      Statement: Record<string, unknown>[];
    } | null;
    /** Of the IAM user whose access key assumes the role; null without. */
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
  ExternalKeyStore: {
    id: string;
    keySetId: string;
    keySetName: string;
    cspAccountId: string | null;
    region: string;
    name: string;
    /** Its id in AWS; null while it is not known. */
    customKeyStoreId: string | null;
    /** Made by Holdfast; found in AWS; or looked after by hand. */
    origin: 'HOLDFAST' | 'LINKED' | 'MANUAL';
    /** How AWS KMS reaches the proxy. */
    connectivity: 'PUBLIC_ENDPOINT' | 'VPC_ENDPOINT_SERVICE';
    uriEndpoint: string;
    /** As AWS has it; empty where it was not looked at. */
    uriPath: string;
    vpcEndpointServiceName: string | null;
    vpcEndpointServiceOwner: string | null;
    /** XKS credential that AWS has. */
    accessKeyId: string | null;
    /** One that AWS is being given: until this is null it may have either. */
    pendingAccessKeyId: string | null;
    /** Those of this key store and when AWS was last seen with each. */
    credentials: {
      accessKeyId: string;
      /** OLD: AWS had it before; it retires once it is quiet. */
      role: 'CURRENT' | 'PENDING' | 'OLD';
      state: 'LIVE' | 'EXPIRED' | 'WITHDRAWN' | 'RETIRED' | 'UNKNOWN';
      lastSeenAt: string | null;
    }[];
    /** What was asked for and AWS has not confirmed yet. */
    wanted: ('CREATE' | 'CONNECT' | 'DISCONNECT' | 'DELETE' | 'UPDATE') | null;
    /** Connection state in AWS. UNKNOWN: the last look failed, or nobody looks. */
    state:
      | 'CREATING'
      | 'DISCONNECTED'
      | 'CONNECTING'
      | 'CONNECTED'
      | 'DISCONNECTING'
      | 'FAILED'
      | 'NOT_FOUND'
      | 'UNKNOWN';
    /** The same where the last look failed: as it was before. */
    lastKnownState: string;
    /** Why it is FAILED. */
    connectionError: {
      /** As AWS has it. */
      code: string;
      meaning: string;
      /** What is behind it as a rule. */
      cause: string;
      remediation: string;
      /** Where AWS documents it. */
      source: string;
    } | null;
    /** Why the last act on it, or the last look at it, failed. */
    problem: {
      /** Of AWS KMS; empty where it is none of its. */
      operation: string;
      code: string;
      message: string;
      remediation: string;
      /** UTC, ISO 8601 with milliseconds. */
      at: string;
      /** How often in a row. */
      times: number;
    } | null;
    /** What does not fit. */
    warnings: {
      code: string;
      message: string;
      remediation: string;
    }[];
    /** When AWS was last looked at. */
    checkedAt: string | null;
    /** When AWS is looked at next, and what is wanted is gone on with; null: not by itself. */
    nextCheckAt: string | null;
    /** UTC, ISO 8601 with milliseconds. */
    createdAt: string;
    /** UTC, ISO 8601 with milliseconds. */
    updatedAt: string;
  };
  ExternalKeyStoreByHand: {
    externalKeyStore: Schemas['ExternalKeyStore'];
    /** Where in AWS’s console. */
    url: string;
    steps: string[];
    fields: {
      label: string;
      value: string;
    }[];
    /** AWS’s command that does the same. */
    command: string;
    /** File name that it reads its request from. */
    requestFile: string;
    /** Of the credential that was issued. */
    accessKeyId?: string;
    /** The proxy configuration file that the console of AWS KMS takes; shown this once. */
    consoleFile?: {
      XksProxyUriPath: string;
      XksProxyAuthenticationCredential: {
        AccessKeyId: string;
        RawSecretAccessKey: string;
      };
    };
    /** What AWS’s command reads; with the secret, shown this once. */
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
    /** What of it is the key set’s. */
    matches: ('PATH' | 'ENDPOINT' | 'CREDENTIAL')[];
    /** Whether it can be linked: its path is the key set’s. */
    fits: boolean;
    /** The external key store that it is here already. */
    linkedAs: string | null;
    createdAt: string | null;
  };
  ExternalKeyStoreCandidatePage: {
    items: Schemas['ExternalKeyStoreCandidate'][];
    /** Asks for the next page, as `cursor`; null at the end. */
    next: string | null;
  };
  ExternalKeyStoreDeletion: {
    /** False: AWS has to disconnect it first; it is deleted by itself then. */
    deleted: boolean;
    externalKeyStore: Schemas['ExternalKeyStore'] | null;
  };
  ExternalKeyStorePage: {
    items: Schemas['ExternalKeyStore'][];
    /** Asks for the next page, as `cursor`; null at the end. */
    next: string | null;
  };
  ExternalKeyStoreRotation: {
    externalKeyStore: Schemas['ExternalKeyStore'];
    /** Where in AWS’s console. */
    url?: string;
    steps?: string[];
    fields?: {
      label: string;
      value: string;
    }[];
    /** AWS’s command that does the same. */
    command?: string;
    /** File name that it reads its request from. */
    requestFile?: string;
    /** Of the credential that was issued. */
    accessKeyId?: string;
    /** The proxy configuration file that the console of AWS KMS takes; shown this once. */
    consoleFile?: {
      XksProxyUriPath: string;
      XksProxyAuthenticationCredential: {
        AccessKeyId: string;
        RawSecretAccessKey: string;
      };
    };
    /** What AWS’s command reads; with the secret, shown this once. */
    request?: Record<string, unknown>;
  };
  /** One thing that is not as it should be; null is what no record says. */
  Finding: {
    /** `interrupted`: an act that did not come to its end. `missing`: a version without its key object; what was encrypted with it cannot be read. `orphan`: a key object of Holdfast that no record knows. `drift`: a key object that is not as it was made, or not as its record says. `duplicate`: several key objects with one CKA_ID, none of which can be used. */
    kind: 'interrupted' | 'missing' | 'orphan' | 'drift' | 'duplicate' | 'unfit' | 'unproven' | 'seal-broken';
    /** What was done about it; with `none` and `failed` somebody has to look. */
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
  };
  FoundCloudKey: {
    id: string;
    name: string;
    vaultId: string;
    vaultName: string;
    keySetId: string;
    keySetName: string;
    state: 'CREATING' | 'AVAILABLE' | 'DISABLED' | 'EXPIRED' | 'PENDING_DELETION' | 'DELETED';
    /** What a request meets: all but AVAILABLE refuse it. */
    effectiveState:
      'CREATING' | 'AVAILABLE' | 'DISABLED' | 'EXPIRED' | 'PENDING_DELETION' | 'DELETED' | 'FROZEN';
    /** Of its key set or vault. */
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
    /** Asks for the next page, as `cursor`; null at the end. */
    next: string | null;
  };
  IssuedCredential: {
    /** Access key id: what AWS signs its requests with. */
    accessKeyId: string;
    /** RETIRED: withdrawn by itself once its successor had taken over. Only LIVE ones open anything. */
    state: 'LIVE' | 'EXPIRED' | 'WITHDRAWN' | 'RETIRED';
    /** From this moment on it opens nothing; null for never. */
    expiresAt: string | null;
    retireAfterQuietMinutes: number | null;
    /** Access key id of the credential that takes its place. */
    successor: string | null;
    /** When a request signed with it last came; null for not yet. */
    lastSeenAt: string | null;
    /** Address that this request came from. */
    lastAddress: string | null;
    /** How many requests signed with it have come. */
    requests: number;
    /** UTC, ISO 8601 with milliseconds. */
    createdAt: string;
    withdrawnAt: string | null;
    /** The secret access key, shown this once: 44 characters, used as they stand. */
    rawSecretAccessKey?: string;
    /** The proxy configuration file that the console of AWS KMS takes; shown this once. */
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
    /** CSP account that it is for; null for none. */
    cspAccountId: string | null;
    /** Token that its keys are in. */
    token: string;
    /** Whether AWS may use it as an external key store; without, its credentials open nothing. */
    externalKeyStore: boolean;
    /** Without slashes around it; empty for none. */
    pathPrefix: string;
    /** What the external key store of AWS KMS is given as its URI path. */
    xksProxyUriPath: string;
    /** Days of 24 hours between rotations of CloudKeys that have no schedule of their own. */
    rotation: {
      /** Null for never. */
      days: number | null;
    };
    /** FROZEN: every request for one of its keys is answered InvalidStateException. It is frozen itself, or its vault is. */
    state: 'ACTIVE' | 'FROZEN';
    /** Which freezes there are; its keys are usable once there is none. */
    frozenSince: {
      /** Its own freeze. */
      keySet: string | null;
      /** That of its vault as a whole. */
      vault: string | null;
      /** Its vault, held by the appliance. */
      appliance: string | null;
    };
    /** XKS requests a second, and how many at once; null for no quota. */
    quota: {
      requestsPerSecond: number;
      burst: number;
    } | null;
    /** How many CloudKeys it has that are not DELETED. */
    cloudKeys: number;
    /** UTC, ISO 8601 with milliseconds. */
    createdAt: string;
    /** UTC, ISO 8601 with milliseconds. */
    updatedAt: string;
    /** What to see to before AWS meets it, such as that another key set has no path prefix either. Not in lists. */
    warnings?: {
      code: string;
      message: string;
      remediation: string;
    }[];
  };
  KeySetFreezes: {
    /** How many were asked for: all of them are so now. */
    keySets: number;
    /** How many of them were not so already. */
    changed: number;
  };
  KeySetPage: {
    items: Schemas['KeySet'][];
    /** Asks for the next page, as `cursor`; null at the end. */
    next: string | null;
  };
  KeyVersionPage: {
    items: Schemas['CloudKeyVersion'][];
    /** Asks for the next page, as `cursor`; null at the end. */
    next: string | null;
  };
  KmsKey: {
    id: string;
    cloudKeyId: string;
    cloudKeyName: string;
    externalKeyId: string;
    keySetId: string;
    externalKeyStoreId: string;
    /** AWS Region such as `eu-central-1`; empty where it is not told. */
    region: string;
    /** Made by Holdfast; made by hand and found in AWS; or made by hand and taken at somebody’s word. */
    origin: 'HOLDFAST' | 'LINKED' | 'MANUAL';
    keyId: string | null;
    keyArn: string | null;
    alias: string;
    description: string;
    tags: Record<string, string>;
    /** What comes next in AWS: the KMS key, its alias, nothing. GONE: the KMS key record was given up. */
    step: 'KEY' | 'ALIAS' | 'DONE' | 'GONE';
    /** The KMS key record is being given up: the KMS key stays, or its deletion is scheduled first. */
    leaving: ('KEEP' | 'DELETE') | null;
    /** With GONE: what became of the KMS key. */
    outcome: ('KEPT' | 'DELETION_SCHEDULED' | 'NEVER_MADE' | 'GONE_IN_AWS') | null;
    problem: {
      /** AWS’s operation. */
      operation: string;
      /** `waiting`: for something that is not there yet. `settling`: AWS does not show yet what was just made or changed. `proxy`: AWS KMS asked the proxy in vain. All of them go on by themselves. */
      fault: string;
      /** AWS’s name for it, or ours. */
      code: string;
      message: string;
      remediation: string;
      /** UTC, ISO 8601 with milliseconds. */
      at: string;
      /** The KMS key that is in the way. */
      keyArn?: string;
      /** How often in a row it has failed so. */
      times?: number;
      /** When AWS was asked for what it does not show yet. */
      since?: string;
    } | null;
    /** Tries that failed since the last success. */
    attempts: number;
    nextAttemptAt: string | null;
    /** Asked for and not confirmed by AWS yet: it is repeated. */
    wanted: ('ENABLE' | 'DISABLE' | 'SCHEDULE_DELETION' | 'CANCEL_DELETION') | null;
    /** What of ours AWS is still to be given. */
    toApply: ('policy' | 'alias' | 'description' | 'tags')[];
    /** As AWS said last. UNKNOWN: it could not be asked, or the key store is not connected. */
    cloudStatus: 'AVAILABLE' | 'DISABLED' | 'PENDING_DELETION' | 'NOT_FOUND' | 'UNKNOWN';
    cloudStatusAt: string | null;
    /** AWS’s own word for the state. `Unavailable`: the key store is disconnected. */
    awsState: string | null;
    /** When AWS deletes it. */
    awsDeletionAt: string | null;
    /** Null where AWS does not say. */
    awsAliases: string[] | null;
    policySource: 'generated' | 'generated-without-root' | 'document';
    /** The key policy as it is to be and as AWS has it; null where it is not known. */
    policy: {
      ours: unknown;
      aws: unknown;
    };
    /** What AWS has otherwise, side by side. */
    drift: {
      what: 'policy' | 'alias' | 'description' | 'tags' | 'state' | 'key-store';
      ours: unknown;
      aws: unknown;
      note?: string;
    }[];
    /** What AWS shows exactly as it was before our own change of it: AWS is eventually consistent. It is drift once AWS has shown ours, and two minutes (`state`) or ten after the change in any case. */
    mayBeStale: {
      what: 'policy' | 'alias' | 'description' | 'tags' | 'state' | 'key-store';
      /** When AWS was first seen to show it so. */
      since: string;
    }[];
    /** UTC, ISO 8601 with milliseconds. */
    createdAt: string;
    /** UTC, ISO 8601 with milliseconds. */
    updatedAt: string;
  };
  KmsKeyConsole: {
    /** AWS Region such as `eu-central-1`; empty where it is not told. */
    region: string;
    accountId: string;
    keyStoreName: string;
    customKeyStoreId: string;
    externalKeyId: string;
    alias: string;
    description: string;
    tags: Record<string, string>;
    /** The key policy; null where the AWS account id is not known. */
    policy: unknown;
    /** In AWS’s console. */
    steps: string[];
    /** With AWS’s command line; the policy is in `policy.json`. */
    commands: string[];
  };
  KmsKeyPage: {
    items: Schemas['KmsKey'][];
    /** Asks for the next page, as `cursor`; null at the end. */
    next: string | null;
  };
  MailSettings: {
    /** DNS name or IP address of the mail server. */
    host: string;
    /** 587 for `starttls`, 465 for `tls`, as a rule. */
    port: number;
    /** TLS from the beginning, after STARTTLS, or none: that only to this machine itself. */
    security: 'tls' | 'starttls' | 'none';
    /** Null for a server that asks for none. */
    username: string | null;
    /** Sender of the mails. */
    from: string;
    /** CAs that the server’s certificate must chain to, in PEM form; null for those of the system. */
    caCertificates: string | null;
    /** Whether there is a password; it is never shown. */
    hasPassword: boolean;
    /** UTC, ISO 8601 with milliseconds. */
    updatedAt: string;
  };
  /** A node that serves from this store. */
  Node: {
    /** Made at its first start, kept in its state directory. */
    id: string;
    hostname: string;
    /** Version of Holdfast that it runs, with the commit that it was set up from: `0.4.0+1e526947c0de`. */
    version: string;
    /** UP: it has shown itself within the last minute. */
    state: 'UP' | 'DOWN';
    /** UTC, ISO 8601 with milliseconds. */
    startedAt: string;
    /** UTC, ISO 8601 with milliseconds. */
    lastSeenAt: string;
  };
  NodePage: {
    items: Schemas['Node'][];
    /** Asks for the next page, as `cursor`; null at the end. */
    next: string | null;
  };
  OidcProvider: {
    /** The provider’s issuer, exactly as its metadata says: https, without query and fragment. */
    issuer: string;
    /** What the provider calls Holdfast. */
    clientId: string;
    /** What is asked for; `openid` must be among it. */
    scopes: string[];
    /** What names a user at the first sign-in: an e-mail address that the provider has verified (`email_verified` is true), which must be that of one user, or a username. From then on the user is known by the provider’s `sub`. A provider that never sends `email_verified`, as Microsoft Entra ID, needs `preferred_username`. */
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
  OpenedSession: {
    session: Schemas['Session'];
    /** To be sent as `Authorization: Bearer`; missing where the session is in a cookie. */
    token?: string;
    /** Of a session in a cookie: to be sent as X-CSRF-Token with every request that changes something. */
    csrfToken?: string;
  };
  /** What the store said against what the tokens held. */
  Reconciliation: {
    id: string;
    /** The vault that it was confined to; null for all. */
    vaultId: string | null;
    /** UTC, ISO 8601 with milliseconds. */
    beganAt: string;
    /** UTC, ISO 8601 with milliseconds. */
    endedAt: string;
    /** `start` of a node, or who asked; a vault is not told which user of the appliance. */
    askedBy: string;
    /** Every token was compared, and there is nothing that somebody has to look at. */
    clean: boolean;
    tokens: {
      token: string;
      /** False where the token could not be asked; `problem` says why. */
      compared: boolean;
      problem: string | null;
      /** Key objects of Holdfast in the token; told to the appliance alone. */
      keyObjects: number | null;
      /** Findings of each kind, also those that are not listed. */
      counts: {
        interrupted: number;
        missing: number;
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
    /** Asks for the next page, as `cursor`; null at the end. */
    next: string | null;
  };
  RecoveryCodes: {
    /** Shown this once. Each works once, in place of a code of the app. */
    recoveryCodes: string[];
  };
  ResetVaultAdministrator: {
    /** Letter case makes no difference between two users. */
    username: string;
    /** The first password, shown this once, where it did not go by mail. Good for seven days. */
    firstPassword?: string;
    /** Whether the first password went to the user by mail. */
    mailed: boolean;
    /** Why there was no mail. */
    mailProblem?: string;
  };
  Session: {
    id: string;
    /** What is still owed before the session may do anything else; ACTIVE when nothing is. */
    state: 'SECOND_FACTOR' | 'PASSWORD_CHANGE' | 'ACTIVE';
    /** How the user proved who they are. */
    method: 'password' | 'oidc';
    /** Address that the session was begun from. */
    address: string;
    userAgent: string;
    /** UTC, ISO 8601 with milliseconds. */
    createdAt: string;
    /** When it was last used, to within half a minute. */
    lastSeenAt: string;
    /** When it ends at the latest. */
    expiresAt: string;
    /** Whether it is the one that asks. */
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
        | 'vaults.write'
        | 'vaults.freeze'
        | 'cloud-keys.find'
        | 'tokens.verify'
        | 'appliance.write'
        | 'appliance-users.write'
        | 'appliance-audit.prune'
        | 'vault.read'
        | 'vault.write'
        | 'vault.freeze'
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
    };
    /** Of a session in a cookie: to be sent as X-CSRF-Token with every request that changes something. */
    csrfToken?: string;
  };
  SessionPage: {
    items: Schemas['Session'][];
    /** Asks for the next page, as `cursor`; null at the end. */
    next: string | null;
  };
  ShortKmsKey: {
    id: string;
    /** AWS Region such as `eu-central-1`; empty where it is not told. */
    region: string;
    keyArn: string | null;
    alias: string;
    /** What comes next in AWS: the KMS key, its alias, nothing. GONE: the KMS key record was given up. */
    step: 'KEY' | 'ALIAS' | 'DONE' | 'GONE';
    /** As AWS said last. UNKNOWN: it could not be asked, or the key store is not connected. */
    cloudStatus: 'AVAILABLE' | 'DISABLED' | 'PENDING_DELETION' | 'NOT_FOUND' | 'UNKNOWN';
    /** Asked for and not confirmed by AWS yet: it is repeated. */
    wanted: ('ENABLE' | 'DISABLE' | 'SCHEDULE_DELETION' | 'CANCEL_DELETION') | null;
    /** AWS has something otherwise than it is here. */
    drift: boolean;
    problem: {
      /** AWS’s operation. */
      operation: string;
      /** `waiting`: for something that is not there yet. `settling`: AWS does not show yet what was just made or changed. `proxy`: AWS KMS asked the proxy in vain. All of them go on by themselves. */
      fault: string;
      /** AWS’s name for it, or ours. */
      code: string;
      message: string;
      remediation: string;
      /** UTC, ISO 8601 with milliseconds. */
      at: string;
      /** The KMS key that is in the way. */
      keyArn?: string;
      /** How often in a row it has failed so. */
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
  };
  Status: {
    /** UTC, ISO 8601 with milliseconds. */
    at: string;
    /** Nothing needs attention. */
    ok: boolean;
    /** What needs attention, what stops most first. */
    findings: {
      trouble:
        | 'STORE_UNWRITABLE'
        | 'TOKEN_DOWN'
        | 'TOKEN_DEGRADED'
        | 'PIN_REFUSED'
        | 'TOKEN_OWN_KEY_UNFIT'
        | 'CERTIFICATE_EXPIRED'
        | 'CERTIFICATE_ENDS'
        | 'CERTIFICATE_NOT_TAKEN'
        | 'DISK_NEARLY_FULL'
        | 'NODE_DOWN'
        | 'SUPERVISOR_SILENT'
        | 'QUOTA_NEAR'
        | 'RECONCILIATION_FINDINGS'
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
      /** What is so, in a sentence. */
      message: string;
      /** The command that mends it, or shows more. */
      remediation: string;
    }[];
    /** For users of the appliance: what is worth knowing and needs no attention. */
    notes?: {
      /** The token. */
      where: string;
      message: string;
      /** The command that shows more. */
      more: string;
    }[];
    /** Of the node that answers. */
    version: string;
    /** For users of the appliance. */
    nodes?: {
      hostname: string;
      version: string;
      state: 'UP' | 'DOWN';
      /** UTC, ISO 8601 with milliseconds. */
      lastSeenAt: string;
    }[];
    /** As the node that answers has them; in a vault those that it may use. */
    tokens: {
      name: string;
      health: 'ACTIVE' | 'DEGRADED' | 'UNAVAILABLE';
      /** Token hosts of this node; null where its supervisor does not say. */
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
    /** Of the store. */
    disk?: {
      freeBytes: number;
      totalBytes: number;
      /** Kept free for disable, freeze and withdraw. */
      reserveBytes: number;
      wholeReserveBytes: number;
    };
    /** Events in the trails of all vaults and of the appliance. */
    auditEvents?: number;
    /** Work by schedule, and until when the process that does it has it; a minute at a time. */
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
    /** By state; those that are DELETED are not counted. */
    cloudKeys: Record<string, number>;
    /** By state, as AWS said last. */
    externalKeyStores: Record<string, number>;
    credentials: {
      live: number;
    };
    /** Request quotas, on the node that answers; null where its supervisor does not say. */
    quotas: {
      /** UTC, ISO 8601 with milliseconds. */
      refusedSince: string;
      /** Requests refused since then. */
      refused: number;
      /** Key sets and CloudKeys of which four fifths were used in a minute, or requests refused. */
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
    /** Of when what is told of KMS keys in AWS is; null while they are looked through for the first time. */
    kmsKeysSeenAt: string | null;
  };
  /** A PKCS#11 token, as this node sees it. */
  Token: {
    /** Its name in the configuration; AWS sees it as `ekmFleetDetails[].id`. */
    name: string;
    /** Profile of its PKCS#11 module. */
    profile: string;
    vendor: string;
    /** The vendor’s product, by the profile. */
    model: string;
    /** ACTIVE: every host has proven itself within the last minute; DEGRADED: some have. */
    health: 'ACTIVE' | 'DEGRADED' | 'UNAVAILABLE';
    /** The token hosts of the management process of this node; XKS workers have others. */
    hosts: {
      /** Process id; null while it starts. */
      pid: number | null;
      state: 'starting' | 'ready' | 'busy' | 'sick' | 'dead';
    }[];
    /** How many vaults may use it. */
    vaults: number;
  };
  TokenPage: {
    items: Schemas['Token'][];
    /** Asks for the next page, as `cursor`; null at the end. */
    next: string | null;
  };
  /** What a fresh connection to a token found. */
  TokenReport: {
    ok: boolean;
    /** In the order in which they were tried; the first that failed is the last. */
    steps: {
      name: 'module' | 'token' | 'login' | 'mechanisms' | 'self-test' | 'key-making' | 'latency';
      ok: boolean;
      milliseconds: number;
      /** What was found, or what failed, with its CKR name. */
      detail: string;
    }[];
    /** What to do, where one failed. */
    remediation?: string;
    /** What the token says of itself. */
    info?: {
      label: string;
      serial: string;
      manufacturer: string;
      model: string;
      firmware: string;
    };
    /** Names of PKCS#11, numbers where there is none. */
    mechanisms?: string[];
  };
  TotpEnrolment: {
    /** Base32, for apps into which it is typed. Shown this once. */
    secret: string;
    /** The same for a QR code. */
    otpauthUri: string;
  };
  UnlinkedKmsKeyPage: {
    items: {
      keyArn: string;
      externalKeyStoreId: string;
      /** AWS Region such as `eu-central-1`; empty where it is not told. */
      region: string;
      /** AWS’s word. */
      state: string;
      description: string;
      /** What the KMS key refers to. */
      externalKeyId: string;
      /** Null where the key set has no CloudKey of this external key id: nothing can use the KMS key. */
      cloudKeyId: string | null;
      cloudKeyName: string | null;
    }[];
    /** Asks for the next page, as `cursor`; null at the end. */
    next: string | null;
    /** KMS keys of the account and Region that were looked at so far. */
    looked: number;
    /** Those among them that AWS does not let us look at. */
    hidden: number;
  };
  User: {
    id: string;
    /** Letter case makes no difference between two users. */
    username: string;
    /** What the user is called. */
    displayName: string;
    /** Where mail goes, such as first passwords. */
    email: string;
    role: 'appliance-admin' | 'appliance-auditor' | 'vault-admin' | 'cloud-admin' | 'auditor';
    /** Disabled, a user has no session and no API key. */
    state: 'ACTIVE' | 'DISABLED';
    /** Too many wrong passwords or codes; the lock ends by itself, or by unlocking. */
    locked: boolean;
    /** Whether signing in needs a second factor. */
    secondFactor: boolean;
    mustChangePassword: boolean;
    /** By password, at the OpenID provider of the vault or appliance, or either. */
    signIn: 'password' | 'oidc' | 'both';
    lastSignInAt: string | null;
    /** UTC, ISO 8601 with milliseconds. */
    createdAt: string;
    /** UTC, ISO 8601 with milliseconds. */
    updatedAt: string;
  };
  UserPage: {
    items: Schemas['User'][];
    /** Asks for the next page, as `cursor`; null at the end. */
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
    /** Who administers it. */
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
    /** FROZEN: every request for one of its keys is answered InvalidStateException. */
    state: 'ACTIVE' | 'FROZEN';
    /** Which freezes of the vault as a whole there are; its keys are usable once there is none. */
    frozenSince: {
      /** Ended by its own administrators. */
      vault: string | null;
      /** Held by the appliance, and ended by its administrators. */
      appliance: string | null;
    };
    /** As far as the caller sees them, and so the CloudKeys. */
    keySets: number;
    /** CloudKeys that are not deleted. */
    cloudKeys: number;
    /** UTC, ISO 8601 with milliseconds. */
    createdAt: string;
    /** UTC, ISO 8601 with milliseconds. */
    updatedAt: string;
  };
  VaultFreezes: {
    /** How many vaults were frozen by this. */
    frozen: number;
    /** How many had been already. */
    frozenBefore: number;
  };
  VaultPage: {
    items: Schemas['Vault'][];
    /** Asks for the next page, as `cursor`; null at the end. */
    next: string | null;
  };
  VaultReconciliationPage: {
    items: Schemas['Reconciliation'][];
    /** Asks for the next page, as `cursor`; null at the end. */
    next: string | null;
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
      body: undefined;
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
      body: undefined;
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
          | 'vaults.write'
          | 'vaults.freeze'
          | 'cloud-keys.find'
          | 'tokens.verify'
          | 'appliance.write'
          | 'appliance-users.write'
          | 'appliance-audit.prune'
          | 'vault.read'
          | 'vault.write'
          | 'vault.freeze'
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
        /** What it may do, as long as its owner may. */
        scope: (
          | 'appliance.read'
          | 'vaults.write'
          | 'vaults.freeze'
          | 'cloud-keys.find'
          | 'tokens.verify'
          | 'appliance.write'
          | 'appliance-users.write'
          | 'appliance-audit.prune'
          | 'vault.read'
          | 'vault.write'
          | 'vault.freeze'
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
        /** To be sent as `Authorization: Bearer`. Shown this once; a repetition has none. */
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
        /** Who administers it. */
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
        /** FROZEN: every request for one of its keys is answered InvalidStateException. */
        state: 'ACTIVE' | 'FROZEN';
        /** Which freezes of the vault as a whole there are; its keys are usable once there is none. */
        frozenSince: {
          /** Ended by its own administrators. */
          vault: string | null;
          /** Held by the appliance, and ended by its administrators. */
          appliance: string | null;
        };
        /** As far as the caller sees them, and so the CloudKeys. */
        keySets: number;
        /** CloudKeys that are not deleted. */
        cloudKeys: number;
        /** UTC, ISO 8601 with milliseconds. */
        createdAt: string;
        /** UTC, ISO 8601 with milliseconds. */
        updatedAt: string;
        /** The first password, shown this once, where it did not go by mail. Good for seven days. */
        firstPassword?: string;
        /** Whether the first password went to the user by mail. */
        mailed: boolean;
        /** Why there was no mail. */
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
      body: undefined;
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
        /** Letter case makes no difference between two users. */
        username: string;
        /** What the user is called. */
        displayName: string;
        /** Where mail goes, such as first passwords. */
        email: string;
        role: 'appliance-admin' | 'appliance-auditor' | 'vault-admin' | 'cloud-admin' | 'auditor';
        /** Disabled, a user has no session and no API key. */
        state: 'ACTIVE' | 'DISABLED';
        /** Too many wrong passwords or codes; the lock ends by itself, or by unlocking. */
        locked: boolean;
        /** Whether signing in needs a second factor. */
        secondFactor: boolean;
        mustChangePassword: boolean;
        /** By password, at the OpenID provider of the vault or appliance, or either. */
        signIn: 'password' | 'oidc' | 'both';
        lastSignInAt: string | null;
        /** UTC, ISO 8601 with milliseconds. */
        createdAt: string;
        /** UTC, ISO 8601 with milliseconds. */
        updatedAt: string;
        /** The first password, shown this once, where it did not go by mail. Good for seven days. */
        firstPassword?: string;
        /** Whether the first password went to the user by mail. */
        mailed: boolean;
        /** Why there was no mail. */
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
      body: undefined;
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
        /** Letter case makes no difference between two users. */
        username: string;
        /** What the user is called. */
        displayName: string;
        /** Where mail goes, such as first passwords. */
        email: string;
        role: 'appliance-admin' | 'appliance-auditor' | 'vault-admin' | 'cloud-admin' | 'auditor';
        /** Disabled, a user has no session and no API key. */
        state: 'ACTIVE' | 'DISABLED';
        /** Too many wrong passwords or codes; the lock ends by itself, or by unlocking. */
        locked: boolean;
        /** Whether signing in needs a second factor. */
        secondFactor: boolean;
        mustChangePassword: boolean;
        /** By password, at the OpenID provider of the vault or appliance, or either. */
        signIn: 'password' | 'oidc' | 'both';
        lastSignInAt: string | null;
        /** UTC, ISO 8601 with milliseconds. */
        createdAt: string;
        /** UTC, ISO 8601 with milliseconds. */
        updatedAt: string;
        /** The first password, shown this once, where it did not go by mail. Good for seven days. */
        firstPassword?: string;
        /** Whether the first password went to the user by mail. */
        mailed: boolean;
        /** Why there was no mail. */
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
  '/tokens/{token}/verify': {
    POST: {
      query: undefined;
      body: undefined;
      answer: Schemas['TokenReport'];
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
      body: undefined;
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
        /** Letter case makes no difference between two users. */
        username: string;
        /** What the user is called. */
        displayName: string;
        /** Where mail goes, such as first passwords. */
        email: string;
        role: 'appliance-admin' | 'appliance-auditor' | 'vault-admin' | 'cloud-admin' | 'auditor';
        /** Disabled, a user has no session and no API key. */
        state: 'ACTIVE' | 'DISABLED';
        /** Too many wrong passwords or codes; the lock ends by itself, or by unlocking. */
        locked: boolean;
        /** Whether signing in needs a second factor. */
        secondFactor: boolean;
        mustChangePassword: boolean;
        /** By password, at the OpenID provider of the vault or appliance, or either. */
        signIn: 'password' | 'oidc' | 'both';
        lastSignInAt: string | null;
        /** UTC, ISO 8601 with milliseconds. */
        createdAt: string;
        /** UTC, ISO 8601 with milliseconds. */
        updatedAt: string;
        /** The first password, shown this once, where it did not go by mail. Good for seven days. */
        firstPassword?: string;
        /** Whether the first password went to the user by mail. */
        mailed: boolean;
        /** Why there was no mail. */
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
      body: undefined;
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
        /** Letter case makes no difference between two users. */
        username: string;
        /** What the user is called. */
        displayName: string;
        /** Where mail goes, such as first passwords. */
        email: string;
        role: 'appliance-admin' | 'appliance-auditor' | 'vault-admin' | 'cloud-admin' | 'auditor';
        /** Disabled, a user has no session and no API key. */
        state: 'ACTIVE' | 'DISABLED';
        /** Too many wrong passwords or codes; the lock ends by itself, or by unlocking. */
        locked: boolean;
        /** Whether signing in needs a second factor. */
        secondFactor: boolean;
        mustChangePassword: boolean;
        /** By password, at the OpenID provider of the vault or appliance, or either. */
        signIn: 'password' | 'oidc' | 'both';
        lastSignInAt: string | null;
        /** UTC, ISO 8601 with milliseconds. */
        createdAt: string;
        /** UTC, ISO 8601 with milliseconds. */
        updatedAt: string;
        /** The first password, shown this once, where it did not go by mail. Good for seven days. */
        firstPassword?: string;
        /** Whether the first password went to the user by mail. */
        mailed: boolean;
        /** Why there was no mail. */
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
      body: undefined;
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
      body: undefined;
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
      body: undefined;
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
      body: undefined;
      answer: undefined;
    };
  };
  '/vaults/{vaultId}/key-sets/{keySetId}/freeze': {
    POST: {
      query: undefined;
      body: undefined;
      answer: Schemas['KeySet'];
    };
  };
  '/vaults/{vaultId}/key-sets/{keySetId}/thaw': {
    POST: {
      query: undefined;
      body: undefined;
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
      };
      answer: Schemas['KeySetFreezes'];
    };
  };
  '/vaults/{vaultId}/key-sets/thaw': {
    POST: {
      query: undefined;
      body: {
        keySets: 'all' | readonly string[];
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
      body: undefined;
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
      body: undefined;
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
      body: undefined;
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
      answer: Schemas['CloudKey'];
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
      };
      answer: Schemas['ActedCloudKey'];
    };
  };
  '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/enable': {
    POST: {
      query: undefined;
      body: {
        cloud?: 'ours' | 'both' | undefined;
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
      };
      answer: Schemas['ActedCloudKey'];
    };
  };
  '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/cancel-deletion': {
    POST: {
      query: undefined;
      body: {
        cloud?: 'ours' | 'both' | undefined;
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
      body: undefined;
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
      body: undefined;
      answer: Schemas['KmsKey'];
    };
  };
  '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys/{kmsKeyId}/disable': {
    POST: {
      query: undefined;
      body: undefined;
      answer: Schemas['KmsKey'];
    };
  };
  '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys/{kmsKeyId}/schedule-deletion': {
    POST: {
      query: undefined;
      body: {
        days?: number | undefined;
      };
      answer: Schemas['KmsKey'];
    };
  };
  '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys/{kmsKeyId}/cancel-deletion': {
    POST: {
      query: undefined;
      body: undefined;
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
        action?: string | undefined;
        actor?: string | undefined;
        target?: string | undefined;
        outcome?: 'done' | 'refused' | undefined;
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
        action?: string | undefined;
        actor?: string | undefined;
        target?: string | undefined;
        outcome?: 'done' | 'refused' | undefined;
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
