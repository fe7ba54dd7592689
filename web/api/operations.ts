// Generated from src/admin/ by scripts/write-docs.ts: change that, then run `make docs`.

/* oxlint-disable max-lines -- generated */

import type { Schemas } from '../../src/cli/client/api-types.ts';

export interface Operations {
  /** Sign in to the appliance. */
  signIn: {
    body: {
      username: string;
      /** A password. */
      password: string;
      /** For browsers: the session comes in a cookie instead of a token in the answer. */
      cookie?: boolean;
    };
    answer: Schemas['OpenedSession'];
  };
  /** Sign in to a vault. */
  signInToVault: {
    params: {
      vaultId: string;
    };
    body: {
      username: string;
      /** A password. */
      password: string;
      /** For browsers: the session comes in a cookie instead of a token in the answer. */
      cookie?: boolean;
    };
    answer: Schemas['OpenedSession'];
  };
  /** Show the session that asks. */
  getSession: {
    answer: Schemas['Session'];
  };
  /** Sign out. */
  signOut: {};
  /** Show who one is and what one may do. */
  getCaller: {
    answer: Schemas['Caller'];
  };
  /** Complete a sign-in with a second factor. */
  giveSecondFactor: {
    body: {
      code: string;
    };
    answer: Schemas['OpenedSession'];
  };
  /** Change one’s own password. */
  changePassword: {
    body: {
      /** A password. */
      currentPassword: string;
      /** A password. */
      newPassword: string;
    };
    answer: Schemas['OpenedSession'];
  };
  /** List one’s own sessions. */
  listSessions: {
    query: {
      limit?: number;
      cursor?: string;
    };
    answer: Schemas['SessionPage'];
  };
  /** End one of one’s own sessions. */
  endSession: {
    params: {
      sessionId: string;
    };
  };
  /** Show how one may sign in to the appliance. */
  getSignInOptions: {
    answer: Schemas['SignInOptions'];
  };
  /** Show how one may sign in to a vault. */
  getVaultSignInOptions: {
    params: {
      vaultId: string;
    };
    answer: Schemas['SignInOptions'];
  };
  /** Begin a sign-in to the appliance at its provider. */
  startOidcSignIn: {
    query: {
      returnTo: string;
      challenge: string;
    };
  };
  /** Begin a sign-in to a vault at its provider. */
  startOidcSignInToVault: {
    params: {
      vaultId: string;
    };
    query: {
      returnTo: string;
      challenge: string;
    };
  };
  /** Take the browser back from the provider. */
  oidcCallback: {
    query: {
      state: string;
    };
  };
  /** Fetch the session of a sign-in at the provider. */
  finishOidcSignIn: {
    body: {
      /** What came with the browser; spent by this, right or not. */
      code: string;
      /** What the challenge was made of. */
      verifier: string;
      /** For browsers: the session comes in a cookie. */
      cookie?: boolean;
    };
    answer: Schemas['OpenedSession'];
  };
  /** Show the OpenID Connect provider of the appliance. */
  getOidcProvider: {
    answer: Schemas['OidcProvider'];
  };
  /** Set up single sign-on of the appliance. */
  putOidcProvider: {
    body: {
      /** The provider’s issuer, exactly as its metadata says: https, without query and fragment. */
      issuer: string;
      /** What the provider calls Holdfast. */
      clientId: string;
      /** What is asked for; `openid` must be among it. */
      scopes?: string[];
      /** What names a user at the first sign-in: an e-mail address that the provider has verified (`email_verified` is true), which must be that of one user, or a username. From then on the user is known by the provider’s `sub`. A provider that never sends `email_verified`, as Microsoft Entra ID, needs `preferred_username`. */
      usernameClaim?: 'email' | 'preferred_username';
      /** CAs that the provider’s certificates must chain to, in PEM form; null for those of the system. */
      caCertificates?: string | null;
      /** Left out: the one that is there stays, for the same issuer, client id and CA certificates. Null: there is none. */
      clientSecret?: string | null;
    };
    answer: Schemas['OidcProvider'];
  };
  /** Have no single sign-on of the appliance. */
  deleteOidcProvider: {};
  /** Show the OpenID Connect provider of a vault. */
  getVaultOidcProvider: {
    params: {
      vaultId: string;
    };
    answer: Schemas['OidcProvider'];
  };
  /** Set up single sign-on of a vault. */
  putVaultOidcProvider: {
    params: {
      vaultId: string;
    };
    body: {
      /** The provider’s issuer, exactly as its metadata says: https, without query and fragment. */
      issuer: string;
      /** What the provider calls Holdfast. */
      clientId: string;
      /** What is asked for; `openid` must be among it. */
      scopes?: string[];
      /** What names a user at the first sign-in: an e-mail address that the provider has verified (`email_verified` is true), which must be that of one user, or a username. From then on the user is known by the provider’s `sub`. A provider that never sends `email_verified`, as Microsoft Entra ID, needs `preferred_username`. */
      usernameClaim?: 'email' | 'preferred_username';
      /** CAs that the provider’s certificates must chain to, in PEM form; null for those of the system. */
      caCertificates?: string | null;
      /** Left out: the one that is there stays, for the same issuer, client id and CA certificates. Null: there is none. */
      clientSecret?: string | null;
    };
    answer: Schemas['OidcProvider'];
  };
  /** Have no single sign-on of a vault. */
  deleteVaultOidcProvider: {
    params: {
      vaultId: string;
    };
  };
  /** Begin to set up a second factor. */
  enrolTotp: {
    body: {
      /** A password. */
      password: string;
    };
    answer: Schemas['TotpEnrolment'];
  };
  /** Remove one’s own second factor. */
  removeTotp: {
    body: {
      /** A password. */
      password: string;
      /** Six digits, or where a sign-in would take one a recovery code. */
      code: string;
    };
  };
  /** Turn the second factor on. */
  confirmTotp: {
    body: {
      /** Six digits, or where a sign-in would take one a recovery code. */
      code: string;
    };
    answer: Schemas['RecoveryCodes'];
  };
  /** Get new recovery codes. */
  newRecoveryCodes: {
    body: {
      /** A password. */
      password: string;
      /** Six digits, or where a sign-in would take one a recovery code. */
      code: string;
    };
    answer: Schemas['RecoveryCodes'];
  };
  /** List one’s own API keys. */
  listApiKeys: {
    query: {
      limit?: number;
      cursor?: string;
      sort?: 'createdAt' | '-createdAt' | 'name' | '-name' | 'expiresAt' | '-expiresAt';
    };
    answer: Schemas['ApiKeyPage'];
  };
  /** Make an API key. */
  createApiKey: {
    body: {
      name: string;
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
      /** At most 366 days from now. */
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
  /** Show one of one’s own API keys. */
  getApiKey: {
    params: {
      apiKeyId: string;
    };
    answer: Schemas['ApiKey'];
  };
  /** Revoke an API key. */
  revokeApiKey: {
    params: {
      apiKeyId: string;
    };
  };
  /** Show the state of the appliance. */
  getStatus: {
    answer: Schemas['Status'];
  };
  /** Show the state of a vault. */
  getVaultStatus: {
    params: {
      vaultId: string;
    };
    answer: Schemas['Status'];
  };
  /** List the vaults. */
  listVaults: {
    query: {
      name?: string;
      limit?: number;
      cursor?: string;
      sort?: 'name' | '-name' | 'createdAt' | '-createdAt' | 'updatedAt' | '-updatedAt';
    };
    answer: Schemas['VaultPage'];
  };
  /** Make a vault. */
  createVault: {
    body: {
      /** Unique among the vaults. */
      name: string;
      /** What the vault is for. */
      type?: 'cloud-key-management';
      /** Free text. */
      description?: string;
      administrator: {
        name: string;
        /** Where mail goes, such as first passwords. */
        email: string;
        /** Letter case makes no difference between two users. */
        username: string;
      };
      /** All of the configuration if left out. */
      tokens?: string[];
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
  /** Show a vault. */
  getVault: {
    params: {
      vaultId: string;
    };
    answer: Schemas['Vault'];
  };
  /** Change a vault. */
  updateVault: {
    params: {
      vaultId: string;
    };
    body: {
      /** Unique among the vaults. */
      name?: string;
      /** Free text. */
      description?: string;
      administrator?: {
        name: string;
        /** Where mail goes, such as first passwords. */
        email: string;
      };
      /** Names of tokens in the configuration that its key sets may use. */
      tokens?: string[];
    };
    answer: Schemas['Vault'];
  };
  /** Delete a vault. */
  deleteVault: {
    params: {
      vaultId: string;
    };
    query: {
      confirm?: string;
    };
  };
  /** Give a vault administrator a new first password. */
  resetVaultAdministrator: {
    params: {
      vaultId: string;
    };
    body: {
      /** The one who is there the longest if left out. */
      username?: string;
      /** With a username makes the first vault administrator of a vault that has none. */
      email?: string;
      /** Also takes away their second factor. */
      removeSecondFactor?: boolean;
    };
    answer: Schemas['ResetVaultAdministrator'];
  };
  /** List the users of the appliance. */
  listApplianceUsers: {
    query: {
      username?: string;
      role?: 'appliance-admin' | 'appliance-auditor';
      state?: 'ACTIVE' | 'DISABLED';
      limit?: number;
      cursor?: string;
      sort?: 'username' | '-username' | 'createdAt' | '-createdAt' | 'updatedAt' | '-updatedAt';
    };
    answer: Schemas['ApplianceUserPage'];
  };
  /** Make a user of the appliance. */
  createApplianceUser: {
    body: {
      /** Letter case makes no difference between two users. */
      username: string;
      /** What the user is called. */
      displayName?: string;
      /** Where mail goes, such as first passwords. */
      email: string;
      role: 'appliance-admin' | 'appliance-auditor';
      /** By password, at the OpenID provider of the vault or appliance, or either. */
      signIn?: 'password' | 'oidc' | 'both';
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
  /** Show a user of the appliance. */
  getApplianceUser: {
    params: {
      userId: string;
    };
    answer: Schemas['User'];
  };
  /** Change a user of the appliance. */
  updateApplianceUser: {
    params: {
      userId: string;
    };
    body: {
      /** What the user is called. */
      displayName?: string;
      /** Where mail goes, such as first passwords. */
      email?: string;
      role?: 'appliance-admin' | 'appliance-auditor';
      /** Disabled, a user has no session and no API key. */
      state?: 'ACTIVE' | 'DISABLED';
      /** By password, at the OpenID provider of the vault or appliance, or either. */
      signIn?: 'password' | 'oidc' | 'both';
    };
    answer: Schemas['User'];
  };
  /** Delete a user of the appliance. */
  deleteApplianceUser: {
    params: {
      userId: string;
    };
  };
  /** Unlock a user of the appliance. */
  unlockApplianceUser: {
    params: {
      userId: string;
    };
    answer: Schemas['User'];
  };
  /** Give a user of the appliance a new first password. */
  resetApplianceUserPassword: {
    params: {
      userId: string;
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
  /** Take the second factor from a user of the appliance who has lost it. */
  removeApplianceUserTotp: {
    params: {
      userId: string;
    };
    answer: Schemas['User'];
  };
  /** List the tokens of the configuration. */
  listTokens: {
    query: {
      limit?: number;
      cursor?: string;
    };
    answer: Schemas['TokenPage'];
  };
  /** Look at a token. */
  getToken: {
    params: {
      token: string;
    };
    answer: Schemas['Token'];
  };
  /** Verify the connection to a token. */
  verifyToken: {
    params: {
      token: string;
    };
    answer: Schemas['TokenReport'];
  };
  /** List the nodes. */
  listNodes: {
    query: {
      limit?: number;
      cursor?: string;
      sort?: 'hostname' | '-hostname' | 'startedAt' | '-startedAt' | 'lastSeenAt' | '-lastSeenAt';
    };
    answer: Schemas['NodePage'];
  };
  /** Show the mail settings. */
  getMail: {
    answer: Schemas['MailSettings'];
  };
  /** Set up mail. */
  putMail: {
    body: {
      /** DNS name or IP address of the mail server. */
      host: string;
      /** 587 for `starttls`, 465 for `tls`, as a rule. */
      port: number;
      /** TLS from the beginning, after STARTTLS, or none: that only to this machine itself. */
      security: 'tls' | 'starttls' | 'none';
      /** Null for a server that asks for none. */
      username?: string | null;
      /** Sender of the mails. */
      from: string;
      /** CAs that the server’s certificate must chain to, in PEM form; null for those of the system. */
      caCertificates?: string | null;
      /** A password. */
      password?: string;
    };
    answer: Schemas['MailSettings'];
  };
  /** Have no mail sent any more. */
  deleteMail: {};
  /** Send a test mail. */
  testMail: {
    body: {
      /** Where mail goes, such as first passwords. */
      to: string;
    };
  };
  /** List the users of a vault. */
  listUsers: {
    params: {
      vaultId: string;
    };
    query: {
      username?: string;
      role?: 'vault-admin' | 'cloud-admin' | 'auditor';
      state?: 'ACTIVE' | 'DISABLED';
      limit?: number;
      cursor?: string;
      sort?: 'username' | '-username' | 'createdAt' | '-createdAt' | 'updatedAt' | '-updatedAt';
    };
    answer: Schemas['UserPage'];
  };
  /** Make a user of a vault. */
  createUser: {
    params: {
      vaultId: string;
    };
    body: {
      /** Letter case makes no difference between two users. */
      username: string;
      /** What the user is called. */
      displayName?: string;
      /** Where mail goes, such as first passwords. */
      email: string;
      role: 'vault-admin' | 'cloud-admin' | 'auditor';
      /** By password, at the OpenID provider of the vault or appliance, or either. */
      signIn?: 'password' | 'oidc' | 'both';
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
  /** Show a user of a vault. */
  getUser: {
    params: {
      vaultId: string;
      userId: string;
    };
    answer: Schemas['User'];
  };
  /** Change a user of a vault. */
  updateUser: {
    params: {
      vaultId: string;
      userId: string;
    };
    body: {
      /** What the user is called. */
      displayName?: string;
      /** Where mail goes, such as first passwords. */
      email?: string;
      role?: 'vault-admin' | 'cloud-admin' | 'auditor';
      /** Disabled, a user has no session and no API key. */
      state?: 'ACTIVE' | 'DISABLED';
      /** By password, at the OpenID provider of the vault or appliance, or either. */
      signIn?: 'password' | 'oidc' | 'both';
    };
    answer: Schemas['User'];
  };
  /** Delete a user of a vault. */
  deleteUser: {
    params: {
      vaultId: string;
      userId: string;
    };
  };
  /** Unlock a user of a vault. */
  unlockUser: {
    params: {
      vaultId: string;
      userId: string;
    };
    answer: Schemas['User'];
  };
  /** Give a user of a vault a new first password. */
  resetUserPassword: {
    params: {
      vaultId: string;
      userId: string;
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
  /** Take the second factor from a user of a vault who has lost it. */
  removeUserTotp: {
    params: {
      vaultId: string;
      userId: string;
    };
    answer: Schemas['User'];
  };
  /** List the admin groups of a vault. */
  listAdminGroups: {
    params: {
      vaultId: string;
    };
    query: {
      name?: string;
      limit?: number;
      cursor?: string;
      sort?: 'name' | '-name' | 'createdAt' | '-createdAt' | 'updatedAt' | '-updatedAt';
    };
    answer: Schemas['AdminGroupPage'];
  };
  /** Make an admin group. */
  createAdminGroup: {
    params: {
      vaultId: string;
    };
    body: {
      /** Unique within the vault. */
      name: string;
      /** Free text. */
      description?: string;
    };
    answer: Schemas['AdminGroup'];
  };
  /** Show an admin group. */
  getAdminGroup: {
    params: {
      vaultId: string;
      groupId: string;
    };
    answer: Schemas['AdminGroup'];
  };
  /** Change an admin group. */
  updateAdminGroup: {
    params: {
      vaultId: string;
      groupId: string;
    };
    body: {
      /** Unique within the vault. */
      name?: string;
      /** Free text. */
      description?: string;
    };
    answer: Schemas['AdminGroup'];
  };
  /** Delete an admin group that nothing belongs to. */
  deleteAdminGroup: {
    params: {
      vaultId: string;
      groupId: string;
    };
  };
  /** List the members of an admin group. */
  listAdminGroupMembers: {
    params: {
      vaultId: string;
      groupId: string;
    };
    query: {
      limit?: number;
      cursor?: string;
      sort?: 'username' | '-username' | 'createdAt' | '-createdAt';
    };
    answer: Schemas['AdminGroupMemberPage'];
  };
  /** Put a user into an admin group. */
  addAdminGroupMember: {
    params: {
      vaultId: string;
      groupId: string;
      userId: string;
    };
  };
  /** Take a user out of an admin group. */
  removeAdminGroupMember: {
    params: {
      vaultId: string;
      groupId: string;
      userId: string;
    };
  };
  /** List the CSP accounts of a vault. */
  listCspAccounts: {
    params: {
      vaultId: string;
    };
    query: {
      name?: string;
      adminGroupId?: string;
      limit?: number;
      cursor?: string;
      sort?: 'name' | '-name' | 'createdAt' | '-createdAt' | 'updatedAt' | '-updatedAt';
    };
    answer: Schemas['CspAccountPage'];
  };
  /** Make a CSP account. */
  createCspAccount: {
    params: {
      vaultId: string;
    };
    body: {
      /** Unique within the vault. */
      name: string;
      /** Admin group whose members see it. Cloud admins name one of their own. */
      adminGroupId: string;
      /** How AWS is reached: `access-key` of an IAM user; `role`, which is assumed with an access key or, without one, with the node’s own credentials; `ambient`, those directly, for vaults that the configuration names; or `manual`, by hand, with no credential of AWS. */
      type?: 'manual' | 'access-key' | 'role' | 'ambient';
      /** Free text. */
      description?: string;
      /** 12 digits; empty where it is not told. With all types but `manual` AWS tells it. */
      awsAccountId?: string;
      /** AWS Region such as `eu-central-1`; empty where it is not told. */
      defaultRegion?: string;
      /** That of the role or the default Region if left out. */
      partition?: 'aws' | 'aws-cn' | 'aws-us-gov' | 'aws-eusc';
      /** Use AWS’s FIPS endpoints; STS has them in the United States alone. */
      fips?: boolean;
      /** Of an IAM user, with types `access-key` and `role`; null takes it away from a role. */
      accessKeyId?: string | null;
      /** Told together with accessKeyId, and never shown again. */
      secretAccessKey?: string;
      /** With type `role`. */
      roleArn?: string;
      /** How often the access key is rotated. */
      accessKeyRotation?: {
        /** Null for never. */
        days: number | null;
      };
    };
    answer: Schemas['CspAccount'];
  };
  /** Show a CSP account. */
  getCspAccount: {
    params: {
      vaultId: string;
      cspAccountId: string;
    };
    answer: Schemas['CspAccount'];
  };
  /** Change a CSP account. */
  updateCspAccount: {
    params: {
      vaultId: string;
      cspAccountId: string;
    };
    body: {
      /** Unique within the vault. */
      name?: string;
      /** Admin group whose members see it. Cloud admins name one of their own. */
      adminGroupId?: string;
      /** Free text. */
      description?: string;
      /** How AWS is reached: `access-key` of an IAM user; `role`, which is assumed with an access key or, without one, with the node’s own credentials; `ambient`, those directly, for vaults that the configuration names; or `manual`, by hand, with no credential of AWS. */
      type?: 'manual' | 'access-key' | 'role' | 'ambient';
      /** 12 digits; empty where it is not told. With all types but `manual` AWS tells it. */
      awsAccountId?: string;
      /** AWS Region such as `eu-central-1`; empty where it is not told. */
      defaultRegion?: string;
      /** That of the role or the default Region if left out. */
      partition?: 'aws' | 'aws-cn' | 'aws-us-gov' | 'aws-eusc';
      /** Use AWS’s FIPS endpoints; STS has them in the United States alone. */
      fips?: boolean;
      /** Of an IAM user, with types `access-key` and `role`; null takes it away from a role. */
      accessKeyId?: string | null;
      /** Told together with accessKeyId, and never shown again. */
      secretAccessKey?: string;
      /** With type `role`. */
      roleArn?: string;
      /** How often the access key is rotated. */
      accessKeyRotation?: {
        /** Null for never. */
        days: number | null;
      };
    };
    answer: Schemas['CspAccount'];
  };
  /** Delete a CSP account that no key set is for. */
  deleteCspAccount: {
    params: {
      vaultId: string;
      cspAccountId: string;
    };
  };
  /** Check the credential and permissions of a CSP account. */
  checkCspAccount: {
    params: {
      vaultId: string;
      cspAccountId: string;
    };
    answer: Schemas['CspAccount'];
  };
  /** Rotate the access key of a CSP account. */
  rotateCspAccessKey: {
    params: {
      vaultId: string;
      cspAccountId: string;
    };
    answer: Schemas['CspAccount'];
  };
  /** Show the least IAM policy for a CSP account. */
  getCspAccountPolicy: {
    params: {
      vaultId: string;
      cspAccountId: string;
    };
    answer: Schemas['CspAccountPolicy'];
  };
  /** List IAM users or roles of the AWS account. */
  listCspPrincipals: {
    params: {
      vaultId: string;
      cspAccountId: string;
    };
    query: {
      kind?: 'user' | 'role';
      pathPrefix?: string;
      limit?: number;
      cursor?: string;
    };
    answer: Schemas['IamPrincipalPage'];
  };
  /** List the key sets of a vault. */
  listKeySets: {
    params: {
      vaultId: string;
    };
    query: {
      name?: string;
      state?: 'ACTIVE' | 'FROZEN';
      adminGroupId?: string;
      cspAccountId?: string;
      token?: string;
      limit?: number;
      cursor?: string;
      sort?: 'name' | '-name' | 'createdAt' | '-createdAt' | 'updatedAt' | '-updatedAt';
    };
    answer: Schemas['KeySetPage'];
  };
  /** Make a key set. */
  createKeySet: {
    params: {
      vaultId: string;
    };
    body: {
      /** Unique within the vault: A-Z, a-z, 0-9, `_`, `-` and `/`. */
      name: string;
      /** One of the tokens of the vault. Fixed once it has CloudKeys or credentials. */
      token: string;
      /** Path prefix of its XKS URIs, with or without slashes around it; empty for none. No two key sets have the same one. Fixed once it has CloudKeys or credentials. */
      pathPrefix?: string;
      /** Free text. */
      description?: string;
      /** Admin group whose members see it; null for none. Cloud admins name one of their own. */
      adminGroupId?: string | null;
      /** CSP account that it is for; null for none. */
      cspAccountId?: string | null;
      /** Whether AWS may use it as an external key store; without, its credentials open nothing. */
      externalKeyStore?: boolean;
      /** Days of 24 hours between rotations of CloudKeys that have no schedule of their own. */
      rotation?: {
        /** Null for never. */
        days: number | null;
      };
      /** What AWS may ask for; beyond it ThrottlingException. Null for no quota. */
      quota?: {
        /** XKS requests a second, on average. */
        requestsPerSecond: number;
        /** How many may come at once; as many as a second’s if left out. */
        burst?: number;
      } | null;
    };
    answer: Schemas['KeySet'];
  };
  /** Show a key set. */
  getKeySet: {
    params: {
      vaultId: string;
      keySetId: string;
    };
    answer: Schemas['KeySet'];
  };
  /** Change a key set. */
  updateKeySet: {
    params: {
      vaultId: string;
      keySetId: string;
    };
    body: {
      /** Unique within the vault: A-Z, a-z, 0-9, `_`, `-` and `/`. */
      name?: string;
      /** One of the tokens of the vault. Fixed once it has CloudKeys or credentials. */
      token?: string;
      /** Path prefix of its XKS URIs, with or without slashes around it; empty for none. No two key sets have the same one. Fixed once it has CloudKeys or credentials. */
      pathPrefix?: string;
      /** Free text. */
      description?: string;
      /** Admin group whose members see it; null for none. Cloud admins name one of their own. */
      adminGroupId?: string | null;
      /** CSP account that it is for; null for none. */
      cspAccountId?: string | null;
      /** Whether AWS may use it as an external key store; without, its credentials open nothing. */
      externalKeyStore?: boolean;
      /** Days of 24 hours between rotations of CloudKeys that have no schedule of their own. */
      rotation?: {
        /** Null for never. */
        days: number | null;
      };
      /** What AWS may ask for; beyond it ThrottlingException. Null for no quota. */
      quota?: {
        /** XKS requests a second, on average. */
        requestsPerSecond: number;
        /** How many may come at once; as many as a second’s if left out. */
        burst?: number;
      } | null;
    };
    answer: Schemas['KeySet'];
  };
  /** Delete a key set. */
  deleteKeySet: {
    params: {
      vaultId: string;
      keySetId: string;
    };
  };
  /** Freeze a key set. */
  freezeKeySet: {
    params: {
      vaultId: string;
      keySetId: string;
    };
    answer: Schemas['KeySet'];
  };
  /** Thaw a frozen key set. */
  thawKeySet: {
    params: {
      vaultId: string;
      keySetId: string;
    };
    answer: Schemas['KeySet'];
  };
  /** Freeze every vault, in an emergency. */
  freezeAllVaults: {
    body: {
      /** Why, such as the number of an incident: it stands in the audit trail. */
      reason?: string;
    };
    answer: Schemas['VaultFreezes'];
  };
  /** Freeze a vault as a whole. */
  freezeVault: {
    params: {
      vaultId: string;
    };
    body: {
      /** Why, such as the number of an incident: it stands in the audit trail. */
      reason?: string;
    };
    answer: Schemas['Vault'];
  };
  /** Thaw a frozen vault. */
  thawVault: {
    params: {
      vaultId: string;
    };
    body: {
      /** Why, such as the number of an incident: it stands in the audit trail. */
      reason?: string;
    };
    answer: Schemas['Vault'];
  };
  /** Freeze several key sets at once. */
  freezeKeySets: {
    params: {
      vaultId: string;
    };
    body: {
      /** Which key sets. */
      keySets: 'all' | string[];
    };
    answer: Schemas['KeySetFreezes'];
  };
  /** Thaw several key sets at once. */
  thawKeySets: {
    params: {
      vaultId: string;
    };
    body: {
      /** Which key sets. */
      keySets: 'all' | string[];
    };
    answer: Schemas['KeySetFreezes'];
  };
  /** List the credentials of a key set. */
  listCredentials: {
    params: {
      vaultId: string;
      keySetId: string;
    };
    query: {
      limit?: number;
      cursor?: string;
      sort?: 'createdAt' | '-createdAt';
    };
    answer: Schemas['CredentialPage'];
  };
  /** Issue a credential. */
  issueCredential: {
    params: {
      vaultId: string;
      keySetId: string;
    };
    body: {
      /** From this moment on it is expired, which must lie in the future; null for never. */
      expiresAt?: string | null;
      retireAfterQuietMinutes?: number | null;
    };
    answer: Schemas['IssuedCredential'];
  };
  /** Show a credential. */
  getCredential: {
    params: {
      vaultId: string;
      keySetId: string;
      accessKeyId: string;
    };
    answer: Schemas['Credential'];
  };
  /** Change when a credential expires or is retired. */
  updateCredential: {
    params: {
      vaultId: string;
      keySetId: string;
      accessKeyId: string;
    };
    body: {
      /** From this moment on it is expired, which must lie in the future; null for never. */
      expiresAt?: string | null;
      retireAfterQuietMinutes?: number | null;
    };
    answer: Schemas['Credential'];
  };
  /** Withdraw a credential. */
  withdrawCredential: {
    params: {
      vaultId: string;
      keySetId: string;
      accessKeyId: string;
    };
  };
  /** Issue the successor of a credential. */
  rotateCredential: {
    params: {
      vaultId: string;
      keySetId: string;
      accessKeyId: string;
    };
    body: {
      /** When the successor expires; null for never. */
      expiresAt?: string | null;
      /** The old credential is retired after it has been idle for this many minutes; null: it stays until it is withdrawn. */
      retireAfterQuietMinutes?: number | null;
    };
    answer: Schemas['IssuedCredential'];
  };
  /** List the external key stores of a vault. */
  listExternalKeyStoresInVault: {
    params: {
      vaultId: string;
    };
    query: {
      id?: string;
      name?: string;
      region?: string;
      cspAccountId?: string;
      limit?: number;
      cursor?: string;
      sort?:
        'name' | '-name' | 'region' | '-region' | 'createdAt' | '-createdAt' | 'updatedAt' | '-updatedAt';
    };
    answer: Schemas['ExternalKeyStorePage'];
  };
  /** List the external key stores of a key set. */
  listExternalKeyStores: {
    params: {
      vaultId: string;
      keySetId: string;
    };
    query: {
      region?: string;
      limit?: number;
      cursor?: string;
      sort?:
        'name' | '-name' | 'region' | '-region' | 'createdAt' | '-createdAt' | 'updatedAt' | '-updatedAt';
    };
    answer: Schemas['ExternalKeyStorePage'];
  };
  /** Make the external key store of a key set in a Region. */
  createExternalKeyStore: {
    params: {
      vaultId: string;
      keySetId: string;
    };
    body: {
      /** AWS Region such as `eu-central-1`. */
      region: string;
      /** Its name in AWS; the key set’s if left out. */
      name?: string;
      /** How AWS KMS reaches the proxy. */
      connectivity?: 'PUBLIC_ENDPOINT' | 'VPC_ENDPOINT_SERVICE';
      /** `https://` and the fully qualified host name under which AWS reaches this node; the one used last if left out. */
      uriEndpoint?: string;
      /** VPC endpoint service, with VPC_ENDPOINT_SERVICE. */
      vpcEndpointServiceName?: string;
      /** AWS account that owns it, where that is another. */
      vpcEndpointServiceOwner?: string;
      /** False: a person makes it in AWS. By hand where Holdfast does not sign in there, if left out. */
      make?: boolean;
      /** Connect it once it is made. */
      connect?: boolean;
    };
    answer: Schemas['ExternalKeyStore'];
  };
  /** Look in AWS for external key stores that may be the key set’s. */
  listExternalKeyStoreCandidates: {
    params: {
      vaultId: string;
      keySetId: string;
    };
    query: {
      region: string;
      limit?: number;
      cursor?: string;
    };
    answer: Schemas['ExternalKeyStoreCandidatePage'];
  };
  /** Link an external key store that was made in AWS by hand. */
  linkExternalKeyStore: {
    params: {
      vaultId: string;
      keySetId: string;
    };
    body: {
      /** AWS Region such as `eu-central-1`. */
      region: string;
      /** Its id in AWS, `cks-…`. */
      customKeyStoreId: string;
      /** Where Holdfast does not look into AWS: its name there. */
      name?: string;
      /** Where Holdfast does not look into AWS: its endpoint there. */
      uriEndpoint?: string;
    };
    answer: Schemas['ExternalKeyStore'];
  };
  /** Show an external key store. */
  getExternalKeyStore: {
    params: {
      vaultId: string;
      keySetId: string;
      externalKeyStoreId: string;
    };
    answer: Schemas['ExternalKeyStore'];
  };
  /** Change an external key store. */
  updateExternalKeyStore: {
    params: {
      vaultId: string;
      keySetId: string;
      externalKeyStoreId: string;
    };
    body: {
      /** Its name in AWS, unique in account and Region. */
      name?: string;
      /** How AWS KMS reaches the proxy. */
      connectivity?: 'PUBLIC_ENDPOINT' | 'VPC_ENDPOINT_SERVICE';
      /** `https://` and the fully qualified host name under which AWS reaches this node, on port 443; with a VPC endpoint service its private DNS name. */
      uriEndpoint?: string;
      /** VPC endpoint service, with VPC_ENDPOINT_SERVICE. */
      vpcEndpointServiceName?: string;
      /** AWS account that owns it, where that is another. */
      vpcEndpointServiceOwner?: string;
      /** Set the path in AWS to the key set’s. */
      restorePath?: boolean;
      /** Disconnect it for a change that AWS makes only then, and connect it again. None of its KMS keys can be used meanwhile. */
      disconnect?: boolean;
      /** Of one by hand: its id in AWS. */
      customKeyStoreId?: string;
      /** Of one by hand: the state that AWS shows. */
      state?: 'CONNECTED' | 'DISCONNECTED' | 'FAILED' | 'UNKNOWN';
      /** Of one by hand, with FAILED: AWS’s connection error code. */
      connectionError?: string;
    };
    answer: Schemas['ExternalKeyStore'];
  };
  /** Delete an external key store. */
  deleteExternalKeyStore: {
    params: {
      vaultId: string;
      keySetId: string;
      externalKeyStoreId: string;
    };
    query: {
      disconnect?: 'true' | 'false';
      forget?: 'true' | 'false';
    };
    answer: Schemas['ExternalKeyStoreDeletion'];
  };
  /** Connect an external key store. */
  connectExternalKeyStore: {
    params: {
      vaultId: string;
      keySetId: string;
      externalKeyStoreId: string;
    };
    answer: Schemas['ExternalKeyStore'];
  };
  /** Disconnect an external key store. */
  disconnectExternalKeyStore: {
    params: {
      vaultId: string;
      keySetId: string;
      externalKeyStoreId: string;
    };
    answer: Schemas['ExternalKeyStore'];
  };
  /** Look at an external key store in AWS now. */
  refreshExternalKeyStore: {
    params: {
      vaultId: string;
      keySetId: string;
      externalKeyStoreId: string;
    };
    answer: Schemas['ExternalKeyStore'];
  };
  /** Give AWS a new XKS credential. */
  rotateExternalKeyStoreCredential: {
    params: {
      vaultId: string;
      keySetId: string;
      externalKeyStoreId: string;
    };
    body: {
      /** The old one is retired after so many quiet minutes. */
      retireAfterQuietMinutes?: number;
      /** Of one by hand: AWS was given the new credential. */
      done?: boolean;
    };
    answer: Schemas['ExternalKeyStoreRotation'];
  };
  /** Tell what to enter in AWS by hand. */
  getExternalKeyStoreConsole: {
    params: {
      vaultId: string;
      keySetId: string;
      externalKeyStoreId: string;
    };
    body: {
      /** Whether to issue a credential. */
      credential?: boolean;
    };
    answer: Schemas['ExternalKeyStoreByHand'];
  };
  /** Find whose a CloudKey is. */
  findCloudKeys: {
    body: {
      /** By id, external key id or whole name, or as AWS calls its KMS key: key id, key ARN, alias (with or without `alias/`) or alias ARN. */
      called: string;
    };
    answer: Schemas['FoundCloudKeys'];
  };
  /** List the CloudKeys of a vault. */
  listCloudKeys: {
    params: {
      vaultId: string;
    };
    query: {
      keySetId?: string;
      region?: string;
      state?: 'CREATING' | 'AVAILABLE' | 'DISABLED' | 'EXPIRED' | 'PENDING_DELETION' | 'DELETED';
      name?: string;
      externalKeyId?: string;
      called?: string;
      limit?: number;
      cursor?: string;
      sort?:
        'name' | '-name' | 'region' | '-region' | 'createdAt' | '-createdAt' | 'updatedAt' | '-updatedAt';
    };
    answer: Schemas['CloudKeyPage'];
  };
  /** Make a CloudKey. */
  createCloudKey: {
    params: {
      vaultId: string;
    };
    body: {
      /** Unique within the key set among CloudKeys that are not DELETED: A-Z, a-z, 0-9, `_`, `-` and `/`. */
      name: string;
      /** Free text. */
      description?: string;
      /** AWS Region; the default of the key set’s CSP account if left out. */
      region?: string;
      /** ARNs of IAM users and roles that may administer the KMS key; none twice. */
      administrators?: string[];
      /** ARNs of IAM users and roles that may use the KMS key; none twice. */
      users?: string[];
      /** When it is rotated by itself. */
      rotation?:
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
      /** From this moment on it is expired, which must lie in the future; null for never. */
      expiresAt?: string | null;
      /** What AWS may ask for; beyond it ThrottlingException. Null for no quota. */
      quota?: {
        /** XKS requests a second, on average. */
        requestsPerSecond: number;
        /** How many may come at once; as many as a second’s if left out. */
        burst?: number;
      } | null;
      /** Key set that it belongs to, for ever. */
      keySetId: string;
      /** What AWS calls it, for ever, and never given again: A-Z, a-z, 0-9, `-`, `.` and `_`. */
      externalKeyId?: string;
      /** What AWS may do with it, for ever: the key object has it too. */
      usage?: 'encrypt-decrypt' | 'encrypt-only' | 'decrypt-only' | 'neither';
      /** Its KMS key in AWS: true for one as it comes, false for none, or what is told of it. If left out it is made where the key set has an external key store in the Region of the CloudKey and a CSP account that is not manual. */
      kmsKey?:
        | boolean
        | {
            /** With or without `alias/` before it; empty for none. `alias/` and the name of the CloudKey if left out. */
            alias?: string;
            /** That of the CloudKey if left out. */
            description?: string;
            /** Tags besides ours (`holdfast:kms-key`, `holdfast:cloud-key`), 48 at the most. */
            tags?: Record<string, string>;
            /** `generated`: from the administrators and users of the CloudKey, with the statement for the AWS account, so that IAM policies count too. `generated-without-root`: without it, so that the policy alone says who may do what. Or a key policy document. */
            policy?: ('generated' | 'generated-without-root') | Record<string, unknown>;
          };
    };
    answer: Schemas['CloudKey'];
  };
  /** Take over a key of AWS’s sample proxy. */
  adoptCloudKey: {
    params: {
      vaultId: string;
    };
    body: {
      /** Unique within the key set among CloudKeys that are not DELETED: A-Z, a-z, 0-9, `_`, `-` and `/`. */
      name: string;
      /** Free text. */
      description?: string;
      /** AWS Region; the default of the key set’s CSP account if left out. */
      region?: string;
      /** ARNs of IAM users and roles that may administer the KMS key; none twice. */
      administrators?: string[];
      /** ARNs of IAM users and roles that may use the KMS key; none twice. */
      users?: string[];
      /** When it is rotated by itself. */
      rotation?:
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
      /** From this moment on it is expired, which must lie in the future; null for never. */
      expiresAt?: string | null;
      /** What AWS may ask for; beyond it ThrottlingException. Null for no quota. */
      quota?: {
        /** XKS requests a second, on average. */
        requestsPerSecond: number;
        /** How many may come at once; as many as a second’s if left out. */
        burst?: number;
      } | null;
      /** Key set that it belongs to, for ever. */
      keySetId: string;
      /** CKA_LABEL of the key object in the token. */
      label: string;
      /** What AWS calls it; the label if left out, as the sample proxy has it. */
      externalKeyId?: string;
      /** Set to false in the token, for good, what the key object may do and a CloudKey does not: CKA_SIGN, CKA_VERIFY, CKA_WRAP, CKA_UNWRAP, CKA_DERIVE. Nothing else is changed, and none of it where the key could not be adopted then. A token that refuses is told with its return value (409). */
      restrict?: boolean;
    };
    answer: Schemas['CloudKey'];
  };
  /** Show a CloudKey. */
  getCloudKey: {
    params: {
      vaultId: string;
      cloudKeyId: string;
    };
    answer: Schemas['CloudKey'];
  };
  /** Change a CloudKey. */
  updateCloudKey: {
    params: {
      vaultId: string;
      cloudKeyId: string;
    };
    body: {
      /** Unique within the key set among CloudKeys that are not DELETED: A-Z, a-z, 0-9, `_`, `-` and `/`. */
      name?: string;
      /** Free text. */
      description?: string;
      /** AWS Region such as `eu-central-1`; empty where it is not told. */
      region?: string;
      /** ARNs of IAM users and roles that may administer the KMS key; none twice. */
      administrators?: string[];
      /** ARNs of IAM users and roles that may use the KMS key; none twice. */
      users?: string[];
      /** When it is rotated by itself. */
      rotation?:
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
      /** From this moment on it is expired, which must lie in the future; null for never. */
      expiresAt?: string | null;
      /** What AWS may ask for; beyond it ThrottlingException. Null for no quota. */
      quota?: {
        /** XKS requests a second, on average. */
        requestsPerSecond: number;
        /** How many may come at once; as many as a second’s if left out. */
        burst?: number;
      } | null;
      /** Change its KMS keys in AWS as well. */
      applyToKms?: boolean;
    };
    answer: Schemas['ActedCloudKey'];
  };
  /** List the versions of a CloudKey. */
  listCloudKeyVersions: {
    params: {
      vaultId: string;
      cloudKeyId: string;
    };
    query: {
      limit?: number;
      cursor?: string;
    };
    answer: Schemas['KeyVersionPage'];
  };
  /** Disable a CloudKey. */
  disableCloudKey: {
    params: {
      vaultId: string;
      cloudKeyId: string;
    };
    body: {
      /** `both`: the KMS keys too. What is done here never waits for AWS; what AWS does not do at once stays wanted and is repeated. */
      cloud?: 'ours' | 'both';
    };
    answer: Schemas['ActedCloudKey'];
  };
  /** Enable a CloudKey that is DISABLED. */
  enableCloudKey: {
    params: {
      vaultId: string;
      cloudKeyId: string;
    };
    body: {
      /** `both`: the KMS keys too. What is done here never waits for AWS; what AWS does not do at once stays wanted and is repeated. */
      cloud?: 'ours' | 'both';
    };
    answer: Schemas['ActedCloudKey'];
  };
  /** Rotate a CloudKey now. */
  rotateCloudKey: {
    params: {
      vaultId: string;
      cloudKeyId: string;
    };
    answer: Schemas['CloudKey'];
  };
  /** Schedule the deletion of a CloudKey. */
  scheduleCloudKeyDeletion: {
    params: {
      vaultId: string;
      cloudKeyId: string;
    };
    body: {
      /** Days until the key objects are destroyed. */
      days?: number;
      /** `both`: the KMS keys too. What is done here never waits for AWS; what AWS does not do at once stays wanted and is repeated. */
      cloud?: 'ours' | 'both';
    };
    answer: Schemas['ActedCloudKey'];
  };
  /** Cancel the deletion of a CloudKey. */
  cancelCloudKeyDeletion: {
    params: {
      vaultId: string;
      cloudKeyId: string;
    };
    body: {
      /** `both`: the KMS keys too. What is done here never waits for AWS; what AWS does not do at once stays wanted and is repeated. */
      cloud?: 'ours' | 'both';
    };
    answer: Schemas['ActedCloudKey'];
  };
  /** List the KMS key records of a vault. */
  listKmsKeys: {
    params: {
      vaultId: string;
    };
    query: {
      id?: string;
      cloudKeyId?: string;
      keySetId?: string;
      region?: string;
      cloudStatus?: 'AVAILABLE' | 'DISABLED' | 'PENDING_DELETION' | 'NOT_FOUND' | 'UNKNOWN';
      step?: 'KEY' | 'ALIAS' | 'DONE' | 'GONE';
      alias?: string;
      keyArn?: string;
      limit?: number;
      cursor?: string;
      sort?:
        'createdAt' | '-createdAt' | 'alias' | '-alias' | 'region' | '-region' | 'updatedAt' | '-updatedAt';
    };
    answer: Schemas['KmsKeyPage'];
  };
  /** List the KMS key records of a CloudKey. */
  listKmsKeysOfCloudKey: {
    params: {
      vaultId: string;
      cloudKeyId: string;
    };
    query: {
      limit?: number;
      cursor?: string;
      sort?:
        'createdAt' | '-createdAt' | 'alias' | '-alias' | 'region' | '-region' | 'updatedAt' | '-updatedAt';
    };
    answer: Schemas['KmsKeyPage'];
  };
  /** Make a KMS key for a CloudKey. */
  createKmsKey: {
    params: {
      vaultId: string;
      cloudKeyId: string;
    };
    body: {
      /** The external key store that it is made in. */
      externalKeyStoreId?: string;
      /** Or its Region; that of the CloudKey if both are left out. */
      region?: string;
      /** With or without `alias/` before it; empty for none. `alias/` and the name of the CloudKey if left out. */
      alias?: string;
      /** That of the CloudKey if left out. */
      description?: string;
      /** Tags besides ours (`holdfast:kms-key`, `holdfast:cloud-key`), 48 at the most. */
      tags?: Record<string, string>;
      /** `generated`: from the administrators and users of the CloudKey, with the statement for the AWS account, so that IAM policies count too. `generated-without-root`: without it, so that the policy alone says who may do what. Or a key policy document. */
      policy?: ('generated' | 'generated-without-root') | Record<string, unknown>;
      /** ARN of a KMS key that is there already and refers to the CloudKey through this key store. */
      keyArn?: string;
    };
    answer: Schemas['KmsKey'];
  };
  /** Show a KMS key record. */
  getKmsKey: {
    params: {
      vaultId: string;
      cloudKeyId: string;
      kmsKeyId: string;
    };
    answer: Schemas['KmsKey'];
  };
  /** Change a KMS key. */
  updateKmsKey: {
    params: {
      vaultId: string;
      cloudKeyId: string;
      kmsKeyId: string;
    };
    body: {
      /** With or without `alias/` before it; empty for none. `alias/` and the name of the CloudKey if left out. */
      alias?: string;
      /** That of the CloudKey if left out. */
      description?: string;
      /** Tags besides ours (`holdfast:kms-key`, `holdfast:cloud-key`), 48 at the most. */
      tags?: Record<string, string>;
      /** `generated`: from the administrators and users of the CloudKey, with the statement for the AWS account, so that IAM policies count too. `generated-without-root`: without it, so that the policy alone says who may do what. Or a key policy document. */
      policy?: ('generated' | 'generated-without-root') | Record<string, unknown>;
      /** ARN of a KMS key that is there already and refers to the CloudKey through this key store. */
      keyArn?: string;
      /** Change it in AWS as well. */
      apply?: boolean;
    };
    answer: Schemas['KmsKey'];
  };
  /** Give up a KMS key record. */
  deleteKmsKey: {
    params: {
      vaultId: string;
      cloudKeyId: string;
      kmsKeyId: string;
    };
    query: {
      aws: 'keep' | 'schedule-deletion';
      days?: number;
    };
    answer: Schemas['KmsKey'];
  };
  /** Show what to type in AWS by hand. */
  getKmsKeyConsole: {
    params: {
      vaultId: string;
      cloudKeyId: string;
      kmsKeyId: string;
    };
    answer: Schemas['KmsKeyConsole'];
  };
  /** Try again what failed. */
  retryKmsKey: {
    params: {
      vaultId: string;
      cloudKeyId: string;
      kmsKeyId: string;
    };
    body: {
      /** Take the alias from the KMS key that has it. It is never taken without. */
      takeAlias?: boolean;
    };
    answer: Schemas['KmsKey'];
  };
  /** Ask AWS how a KMS key is. */
  refreshKmsKey: {
    params: {
      vaultId: string;
      cloudKeyId: string;
      kmsKeyId: string;
    };
    answer: Schemas['KmsKey'];
  };
  /** Enable a KMS key in AWS. */
  enableKmsKey: {
    params: {
      vaultId: string;
      cloudKeyId: string;
      kmsKeyId: string;
    };
    answer: Schemas['KmsKey'];
  };
  /** Disable a KMS key in AWS. */
  disableKmsKey: {
    params: {
      vaultId: string;
      cloudKeyId: string;
      kmsKeyId: string;
    };
    answer: Schemas['KmsKey'];
  };
  /** Schedule the deletion of a KMS key in AWS. */
  scheduleKmsKeyDeletion: {
    params: {
      vaultId: string;
      cloudKeyId: string;
      kmsKeyId: string;
    };
    body: {
      /** Days until AWS deletes it. */
      days?: number;
    };
    answer: Schemas['KmsKey'];
  };
  /** Cancel the deletion of a KMS key in AWS. */
  cancelKmsKeyDeletion: {
    params: {
      vaultId: string;
      cloudKeyId: string;
      kmsKeyId: string;
    };
    answer: Schemas['KmsKey'];
  };
  /** Give AWS what is here. */
  applyKmsKey: {
    params: {
      vaultId: string;
      cloudKeyId: string;
      kmsKeyId: string;
    };
    body: {
      /** Only these; all that AWS has otherwise if left out. */
      what?: ('policy' | 'alias' | 'description' | 'tags' | 'state' | 'key-store')[];
    };
    answer: Schemas['KmsKey'];
  };
  /** Take over what AWS has. */
  acceptKmsKey: {
    params: {
      vaultId: string;
      cloudKeyId: string;
      kmsKeyId: string;
    };
    body: {
      /** Only these; all that AWS has otherwise if left out. */
      what?: ('policy' | 'alias' | 'description' | 'tags' | 'state' | 'key-store')[];
    };
    answer: Schemas['KmsKey'];
  };
  /** Find KMS keys that no KMS key record knows. */
  listUnlinkedKmsKeys: {
    params: {
      vaultId: string;
      keySetId: string;
    };
    query: {
      region: string;
      cursor?: string;
    };
    answer: Schemas['UnlinkedKmsKeyPage'];
  };
  /** List what was done on the appliance. */
  listApplianceAuditEvents: {
    query: {
      action?: string;
      actor?: string;
      target?: string;
      outcome?: 'done' | 'refused';
      from?: string;
      to?: string;
      limit?: number;
      cursor?: string;
      sort?: '-sequence' | 'sequence';
      deletedVault?: string;
    };
    answer: Schemas['ApplianceAuditEventPage'];
  };
  /** List what was done in a vault. */
  listAuditEvents: {
    params: {
      vaultId: string;
    };
    query: {
      action?: string;
      actor?: string;
      target?: string;
      outcome?: 'done' | 'refused';
      from?: string;
      to?: string;
      limit?: number;
      cursor?: string;
      sort?: '-sequence' | 'sequence';
    };
    answer: Schemas['AuditEventPage'];
  };
  /** Show what an archive has to know of the trail of the appliance. */
  getApplianceAuditTrail: {
    query: {
      deletedVault?: string;
    };
    answer: Schemas['AuditTrail'];
  };
  /** List what was deleted from the trail of the appliance. */
  listApplianceAuditPrunings: {
    query: {
      limit?: number;
      cursor?: string;
      sort?: '-askedAt' | 'askedAt';
      deletedVault?: string;
    };
    answer: Schemas['ApplianceAuditPruningPage'];
  };
  /** Delete archived events from the trail of the appliance, or of a deleted vault. */
  createApplianceAuditPruning: {
    body: {
      /** Events from this moment on; null for the beginning of the trail. */
      from?: string | null;
      /** And before this one; no later than `prunableBefore` of the trail. */
      before: string;
      /** How many events the archive holds. */
      count: number;
      /** SHA-256 of all of them in order of time and sequence, each as canonical JSON (RFC 8785) with a line feed after it, in lower-case hexadecimal digits. */
      sha256: string;
      /** The trail of this vault instead, which was deleted. */
      deletedVault?: string;
    };
    answer: Schemas['AuditPruning'];
  };
  /** Show what was deleted from the trail of the appliance, or of a deleted vault. */
  getApplianceAuditPruning: {
    params: {
      pruningId: string;
    };
    answer: Schemas['AuditPruning'];
  };
  /** Show what an archive has to know of the trail of a vault. */
  getAuditTrail: {
    params: {
      vaultId: string;
    };
    answer: Schemas['AuditTrail'];
  };
  /** List what was deleted from the trail of a vault. */
  listAuditPrunings: {
    params: {
      vaultId: string;
    };
    query: {
      limit?: number;
      cursor?: string;
      sort?: '-askedAt' | 'askedAt';
    };
    answer: Schemas['AuditPruningPage'];
  };
  /** Delete archived events from the trail of a vault. */
  createAuditPruning: {
    params: {
      vaultId: string;
    };
    body: {
      /** Events from this moment on; null for the beginning of the trail. */
      from?: string | null;
      /** And before this one; no later than `prunableBefore` of the trail. */
      before: string;
      /** How many events the archive holds. */
      count: number;
      /** SHA-256 of all of them in order of time and sequence, each as canonical JSON (RFC 8785) with a line feed after it, in lower-case hexadecimal digits. */
      sha256: string;
    };
    answer: Schemas['AuditPruning'];
  };
  /** Show what was deleted from the trail of a vault. */
  getAuditPruning: {
    params: {
      vaultId: string;
      pruningId: string;
    };
    answer: Schemas['AuditPruning'];
  };
  /** List the reports. */
  listReconciliations: {
    query: {
      limit?: number;
      cursor?: string;
      sort?: '-beganAt' | 'beganAt';
    };
    answer: Schemas['ReconciliationPage'];
  };
  /** Compare the store with the tokens now. */
  createReconciliation: {
    answer: Schemas['Reconciliation'];
  };
  /** Show a report. */
  getReconciliation: {
    params: {
      reconciliationId: string;
    };
    answer: Schemas['Reconciliation'];
  };
  /** List what the reports say of a vault. */
  listVaultReconciliations: {
    params: {
      vaultId: string;
    };
    query: {
      limit?: number;
      cursor?: string;
      sort?: '-beganAt' | 'beganAt';
    };
    answer: Schemas['VaultReconciliationPage'];
  };
  /** Compare the records of a vault with the tokens now. */
  createVaultReconciliation: {
    params: {
      vaultId: string;
    };
    answer: Schemas['Reconciliation'];
  };
  /** Show what a report says of a vault. */
  getVaultReconciliation: {
    params: {
      vaultId: string;
      reconciliationId: string;
    };
    answer: Schemas['Reconciliation'];
  };
}

export type OperationName = keyof Operations;

export const operations = {
  signIn: { method: 'POST', path: '/sessions' },
  signInToVault: { method: 'POST', path: '/vaults/{vaultId}/sessions' },
  getSession: { method: 'GET', path: '/session' },
  signOut: { method: 'DELETE', path: '/session' },
  getCaller: { method: 'GET', path: '/user' },
  giveSecondFactor: { method: 'POST', path: '/session/second-factor' },
  changePassword: { method: 'POST', path: '/session/password' },
  listSessions: { method: 'GET', path: '/user/sessions' },
  endSession: { method: 'DELETE', path: '/user/sessions/{sessionId}' },
  getSignInOptions: { method: 'GET', path: '/sign-in-options' },
  getVaultSignInOptions: { method: 'GET', path: '/vaults/{vaultId}/sign-in-options' },
  startOidcSignIn: { method: 'GET', path: '/oidc/start' },
  startOidcSignInToVault: { method: 'GET', path: '/vaults/{vaultId}/oidc/start' },
  oidcCallback: { method: 'GET', path: '/oidc/callback' },
  finishOidcSignIn: { method: 'POST', path: '/oidc/sessions' },
  getOidcProvider: { method: 'GET', path: '/oidc-provider', appliance: 'appliance.read' },
  putOidcProvider: { method: 'PUT', path: '/oidc-provider', appliance: 'appliance.write' },
  deleteOidcProvider: { method: 'DELETE', path: '/oidc-provider', appliance: 'appliance.write' },
  getVaultOidcProvider: { method: 'GET', path: '/vaults/{vaultId}/oidc-provider', vault: 'vault.read' },
  putVaultOidcProvider: { method: 'PUT', path: '/vaults/{vaultId}/oidc-provider', vault: 'vault.write' },
  deleteVaultOidcProvider: {
    method: 'DELETE',
    path: '/vaults/{vaultId}/oidc-provider',
    vault: 'vault.write',
  },
  enrolTotp: { method: 'POST', path: '/user/totp' },
  removeTotp: { method: 'DELETE', path: '/user/totp' },
  confirmTotp: { method: 'POST', path: '/user/totp/confirmation' },
  newRecoveryCodes: { method: 'POST', path: '/user/totp/recovery-codes' },
  listApiKeys: { method: 'GET', path: '/user/api-keys' },
  createApiKey: { method: 'POST', path: '/user/api-keys' },
  getApiKey: { method: 'GET', path: '/user/api-keys/{apiKeyId}' },
  revokeApiKey: { method: 'DELETE', path: '/user/api-keys/{apiKeyId}' },
  getStatus: { method: 'GET', path: '/status', appliance: 'appliance.read' },
  getVaultStatus: { method: 'GET', path: '/vaults/{vaultId}/status', vault: 'vault.read' },
  listVaults: { method: 'GET', path: '/vaults', appliance: 'appliance.read' },
  createVault: { method: 'POST', path: '/vaults', appliance: 'vaults.write' },
  getVault: { method: 'GET', path: '/vaults/{vaultId}', appliance: 'appliance.read', vault: 'vault.read' },
  updateVault: {
    method: 'PATCH',
    path: '/vaults/{vaultId}',
    appliance: 'vaults.write',
    vault: 'vault.write',
  },
  deleteVault: { method: 'DELETE', path: '/vaults/{vaultId}', appliance: 'vaults.write' },
  resetVaultAdministrator: {
    method: 'POST',
    path: '/vaults/{vaultId}/administrator-password',
    appliance: 'vaults.write',
  },
  listApplianceUsers: { method: 'GET', path: '/users', appliance: 'appliance.read' },
  createApplianceUser: { method: 'POST', path: '/users', appliance: 'appliance-users.write' },
  getApplianceUser: { method: 'GET', path: '/users/{userId}', appliance: 'appliance.read' },
  updateApplianceUser: { method: 'PATCH', path: '/users/{userId}', appliance: 'appliance-users.write' },
  deleteApplianceUser: { method: 'DELETE', path: '/users/{userId}', appliance: 'appliance-users.write' },
  unlockApplianceUser: { method: 'POST', path: '/users/{userId}/unlock', appliance: 'appliance-users.write' },
  resetApplianceUserPassword: {
    method: 'POST',
    path: '/users/{userId}/password-reset',
    appliance: 'appliance-users.write',
  },
  removeApplianceUserTotp: {
    method: 'POST',
    path: '/users/{userId}/totp-removal',
    appliance: 'appliance-users.write',
  },
  listTokens: { method: 'GET', path: '/tokens', appliance: 'appliance.read' },
  getToken: { method: 'GET', path: '/tokens/{token}', appliance: 'appliance.read' },
  verifyToken: { method: 'POST', path: '/tokens/{token}/verify', appliance: 'tokens.verify' },
  listNodes: { method: 'GET', path: '/nodes', appliance: 'appliance.read' },
  getMail: { method: 'GET', path: '/mail', appliance: 'appliance.read' },
  putMail: { method: 'PUT', path: '/mail', appliance: 'appliance.write' },
  deleteMail: { method: 'DELETE', path: '/mail', appliance: 'appliance.write' },
  testMail: { method: 'POST', path: '/mail/test', appliance: 'appliance.write' },
  listUsers: { method: 'GET', path: '/vaults/{vaultId}/users', vault: 'users.read' },
  createUser: { method: 'POST', path: '/vaults/{vaultId}/users', vault: 'users.write' },
  getUser: { method: 'GET', path: '/vaults/{vaultId}/users/{userId}', vault: 'users.read' },
  updateUser: { method: 'PATCH', path: '/vaults/{vaultId}/users/{userId}', vault: 'users.write' },
  deleteUser: { method: 'DELETE', path: '/vaults/{vaultId}/users/{userId}', vault: 'users.write' },
  unlockUser: { method: 'POST', path: '/vaults/{vaultId}/users/{userId}/unlock', vault: 'users.write' },
  resetUserPassword: {
    method: 'POST',
    path: '/vaults/{vaultId}/users/{userId}/password-reset',
    vault: 'users.write',
  },
  removeUserTotp: {
    method: 'POST',
    path: '/vaults/{vaultId}/users/{userId}/totp-removal',
    vault: 'users.write',
  },
  listAdminGroups: { method: 'GET', path: '/vaults/{vaultId}/admin-groups', vault: 'vault.read' },
  createAdminGroup: { method: 'POST', path: '/vaults/{vaultId}/admin-groups', vault: 'users.write' },
  getAdminGroup: { method: 'GET', path: '/vaults/{vaultId}/admin-groups/{groupId}', vault: 'vault.read' },
  updateAdminGroup: {
    method: 'PATCH',
    path: '/vaults/{vaultId}/admin-groups/{groupId}',
    vault: 'users.write',
  },
  deleteAdminGroup: {
    method: 'DELETE',
    path: '/vaults/{vaultId}/admin-groups/{groupId}',
    vault: 'users.write',
  },
  listAdminGroupMembers: {
    method: 'GET',
    path: '/vaults/{vaultId}/admin-groups/{groupId}/members',
    vault: 'users.read',
  },
  addAdminGroupMember: {
    method: 'PUT',
    path: '/vaults/{vaultId}/admin-groups/{groupId}/members/{userId}',
    vault: 'users.write',
  },
  removeAdminGroupMember: {
    method: 'DELETE',
    path: '/vaults/{vaultId}/admin-groups/{groupId}/members/{userId}',
    vault: 'users.write',
  },
  listCspAccounts: { method: 'GET', path: '/vaults/{vaultId}/csp-accounts', vault: 'vault.read' },
  createCspAccount: { method: 'POST', path: '/vaults/{vaultId}/csp-accounts', vault: 'csp-accounts.write' },
  getCspAccount: {
    method: 'GET',
    path: '/vaults/{vaultId}/csp-accounts/{cspAccountId}',
    vault: 'vault.read',
  },
  updateCspAccount: {
    method: 'PATCH',
    path: '/vaults/{vaultId}/csp-accounts/{cspAccountId}',
    vault: 'csp-accounts.write',
  },
  deleteCspAccount: {
    method: 'DELETE',
    path: '/vaults/{vaultId}/csp-accounts/{cspAccountId}',
    vault: 'csp-accounts.write',
  },
  checkCspAccount: {
    method: 'POST',
    path: '/vaults/{vaultId}/csp-accounts/{cspAccountId}/check',
    vault: 'csp-accounts.write',
  },
  rotateCspAccessKey: {
    method: 'POST',
    path: '/vaults/{vaultId}/csp-accounts/{cspAccountId}/rotate-access-key',
    vault: 'csp-accounts.write',
  },
  getCspAccountPolicy: {
    method: 'GET',
    path: '/vaults/{vaultId}/csp-accounts/{cspAccountId}/policy',
    vault: 'vault.read',
  },
  listCspPrincipals: {
    method: 'GET',
    path: '/vaults/{vaultId}/csp-accounts/{cspAccountId}/principals',
    vault: 'csp-accounts.write',
  },
  listKeySets: { method: 'GET', path: '/vaults/{vaultId}/key-sets', vault: 'vault.read' },
  createKeySet: { method: 'POST', path: '/vaults/{vaultId}/key-sets', vault: 'key-sets.write' },
  getKeySet: { method: 'GET', path: '/vaults/{vaultId}/key-sets/{keySetId}', vault: 'vault.read' },
  updateKeySet: { method: 'PATCH', path: '/vaults/{vaultId}/key-sets/{keySetId}', vault: 'key-sets.write' },
  deleteKeySet: { method: 'DELETE', path: '/vaults/{vaultId}/key-sets/{keySetId}', vault: 'key-sets.write' },
  freezeKeySet: {
    method: 'POST',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/freeze',
    vault: 'key-sets.write',
  },
  thawKeySet: { method: 'POST', path: '/vaults/{vaultId}/key-sets/{keySetId}/thaw', vault: 'key-sets.write' },
  freezeAllVaults: { method: 'POST', path: '/vaults/freeze', appliance: 'vaults.freeze' },
  freezeVault: {
    method: 'POST',
    path: '/vaults/{vaultId}/freeze',
    appliance: 'vaults.freeze',
    vault: 'vault.freeze',
  },
  thawVault: {
    method: 'POST',
    path: '/vaults/{vaultId}/thaw',
    appliance: 'vaults.freeze',
    vault: 'vault.freeze',
  },
  freezeKeySets: { method: 'POST', path: '/vaults/{vaultId}/key-sets/freeze', vault: 'key-sets.write' },
  thawKeySets: { method: 'POST', path: '/vaults/{vaultId}/key-sets/thaw', vault: 'key-sets.write' },
  listCredentials: {
    method: 'GET',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/credentials',
    vault: 'vault.read',
  },
  issueCredential: {
    method: 'POST',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/credentials',
    vault: 'credentials.write',
  },
  getCredential: {
    method: 'GET',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/credentials/{accessKeyId}',
    vault: 'vault.read',
  },
  updateCredential: {
    method: 'PATCH',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/credentials/{accessKeyId}',
    vault: 'credentials.write',
  },
  withdrawCredential: {
    method: 'DELETE',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/credentials/{accessKeyId}',
    vault: 'credentials.write',
  },
  rotateCredential: {
    method: 'POST',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/credentials/{accessKeyId}/rotate',
    vault: 'credentials.write',
  },
  listExternalKeyStoresInVault: {
    method: 'GET',
    path: '/vaults/{vaultId}/external-key-stores',
    vault: 'vault.read',
  },
  listExternalKeyStores: {
    method: 'GET',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores',
    vault: 'vault.read',
  },
  createExternalKeyStore: {
    method: 'POST',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores',
    vault: 'key-sets.write',
  },
  listExternalKeyStoreCandidates: {
    method: 'GET',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores/candidates',
    vault: 'key-sets.write',
  },
  linkExternalKeyStore: {
    method: 'POST',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores/link',
    vault: 'key-sets.write',
  },
  getExternalKeyStore: {
    method: 'GET',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores/{externalKeyStoreId}',
    vault: 'vault.read',
  },
  updateExternalKeyStore: {
    method: 'PATCH',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores/{externalKeyStoreId}',
    vault: 'key-sets.write',
  },
  deleteExternalKeyStore: {
    method: 'DELETE',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores/{externalKeyStoreId}',
    vault: 'key-sets.write',
  },
  connectExternalKeyStore: {
    method: 'POST',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores/{externalKeyStoreId}/connect',
    vault: 'key-sets.write',
  },
  disconnectExternalKeyStore: {
    method: 'POST',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores/{externalKeyStoreId}/disconnect',
    vault: 'key-sets.write',
  },
  refreshExternalKeyStore: {
    method: 'POST',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores/{externalKeyStoreId}/refresh',
    vault: 'key-sets.write',
  },
  rotateExternalKeyStoreCredential: {
    method: 'POST',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores/{externalKeyStoreId}/rotate-credential',
    vault: 'credentials.write',
  },
  getExternalKeyStoreConsole: {
    method: 'POST',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores/{externalKeyStoreId}/console',
    vault: 'credentials.write',
  },
  findCloudKeys: { method: 'POST', path: '/cloud-keys/find', appliance: 'cloud-keys.find' },
  listCloudKeys: { method: 'GET', path: '/vaults/{vaultId}/cloud-keys', vault: 'vault.read' },
  createCloudKey: { method: 'POST', path: '/vaults/{vaultId}/cloud-keys', vault: 'cloud-keys.write' },
  adoptCloudKey: {
    method: 'POST',
    path: '/vaults/{vaultId}/cloud-keys/adoptions',
    vault: 'cloud-keys.adopt',
  },
  getCloudKey: { method: 'GET', path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}', vault: 'vault.read' },
  updateCloudKey: {
    method: 'PATCH',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}',
    vault: 'cloud-keys.write',
  },
  listCloudKeyVersions: {
    method: 'GET',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/versions',
    vault: 'vault.read',
  },
  disableCloudKey: {
    method: 'POST',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/disable',
    vault: 'cloud-keys.write',
  },
  enableCloudKey: {
    method: 'POST',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/enable',
    vault: 'cloud-keys.write',
  },
  rotateCloudKey: {
    method: 'POST',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/rotate',
    vault: 'cloud-keys.write',
  },
  scheduleCloudKeyDeletion: {
    method: 'POST',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/schedule-deletion',
    vault: 'cloud-keys.delete',
  },
  cancelCloudKeyDeletion: {
    method: 'POST',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/cancel-deletion',
    vault: 'cloud-keys.delete',
  },
  listKmsKeys: { method: 'GET', path: '/vaults/{vaultId}/kms-keys', vault: 'vault.read' },
  listKmsKeysOfCloudKey: {
    method: 'GET',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys',
    vault: 'vault.read',
  },
  createKmsKey: {
    method: 'POST',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys',
    vault: 'cloud-keys.write',
  },
  getKmsKey: {
    method: 'GET',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys/{kmsKeyId}',
    vault: 'vault.read',
  },
  updateKmsKey: {
    method: 'PATCH',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys/{kmsKeyId}',
    vault: 'cloud-keys.write',
  },
  deleteKmsKey: {
    method: 'DELETE',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys/{kmsKeyId}',
    vault: 'cloud-keys.delete',
  },
  getKmsKeyConsole: {
    method: 'GET',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys/{kmsKeyId}/console',
    vault: 'vault.read',
  },
  retryKmsKey: {
    method: 'POST',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys/{kmsKeyId}/retry',
    vault: 'cloud-keys.write',
  },
  refreshKmsKey: {
    method: 'POST',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys/{kmsKeyId}/refresh',
    vault: 'cloud-keys.write',
  },
  enableKmsKey: {
    method: 'POST',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys/{kmsKeyId}/enable',
    vault: 'cloud-keys.write',
  },
  disableKmsKey: {
    method: 'POST',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys/{kmsKeyId}/disable',
    vault: 'cloud-keys.write',
  },
  scheduleKmsKeyDeletion: {
    method: 'POST',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys/{kmsKeyId}/schedule-deletion',
    vault: 'cloud-keys.delete',
  },
  cancelKmsKeyDeletion: {
    method: 'POST',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys/{kmsKeyId}/cancel-deletion',
    vault: 'cloud-keys.delete',
  },
  applyKmsKey: {
    method: 'POST',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys/{kmsKeyId}/apply',
    vault: 'cloud-keys.write',
  },
  acceptKmsKey: {
    method: 'POST',
    path: '/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys/{kmsKeyId}/accept',
    vault: 'cloud-keys.write',
  },
  listUnlinkedKmsKeys: {
    method: 'GET',
    path: '/vaults/{vaultId}/key-sets/{keySetId}/kms-keys/unlinked',
    vault: 'cloud-keys.write',
  },
  listApplianceAuditEvents: { method: 'GET', path: '/audit-events', appliance: 'appliance.read' },
  listAuditEvents: { method: 'GET', path: '/vaults/{vaultId}/audit-events', vault: 'audit.read' },
  getApplianceAuditTrail: { method: 'GET', path: '/audit-trail', appliance: 'appliance.read' },
  listApplianceAuditPrunings: { method: 'GET', path: '/audit-prunings', appliance: 'appliance.read' },
  createApplianceAuditPruning: {
    method: 'POST',
    path: '/audit-prunings',
    appliance: 'appliance-audit.prune',
  },
  getApplianceAuditPruning: {
    method: 'GET',
    path: '/audit-prunings/{pruningId}',
    appliance: 'appliance.read',
  },
  getAuditTrail: { method: 'GET', path: '/vaults/{vaultId}/audit-trail', vault: 'audit.read' },
  listAuditPrunings: { method: 'GET', path: '/vaults/{vaultId}/audit-prunings', vault: 'audit.read' },
  createAuditPruning: { method: 'POST', path: '/vaults/{vaultId}/audit-prunings', vault: 'audit.prune' },
  getAuditPruning: {
    method: 'GET',
    path: '/vaults/{vaultId}/audit-prunings/{pruningId}',
    vault: 'audit.read',
  },
  listReconciliations: { method: 'GET', path: '/reconciliations', appliance: 'appliance.read' },
  createReconciliation: { method: 'POST', path: '/reconciliations', appliance: 'appliance.write' },
  getReconciliation: {
    method: 'GET',
    path: '/reconciliations/{reconciliationId}',
    appliance: 'appliance.read',
  },
  listVaultReconciliations: { method: 'GET', path: '/vaults/{vaultId}/reconciliations', vault: 'audit.read' },
  createVaultReconciliation: {
    method: 'POST',
    path: '/vaults/{vaultId}/reconciliations',
    vault: 'reconcile.run',
  },
  getVaultReconciliation: {
    method: 'GET',
    path: '/vaults/{vaultId}/reconciliations/{reconciliationId}',
    vault: 'audit.read',
  },
} as const satisfies Record<OperationName, OperationFacts>;

export interface OperationFacts {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Under /api/v1, with `{parameters}`. */
  path: string;
  /** Permission that a user of the appliance needs. */
  appliance?: string;
  /** Permission that a user of the vault needs. */
  vault?: string;
}
