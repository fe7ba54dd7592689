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
      /** For browsers: return the session in a cookie instead of a token in the body. */
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
      /** For browsers: return the session in a cookie instead of a token in the body. */
      cookie?: boolean;
    };
    answer: Schemas['OpenedSession'];
  };
  /** Show the current session. */
  getSession: {
    answer: Schemas['Session'];
  };
  /** Sign out. */
  signOut: {};
  /** Show the caller’s identity and permissions. */
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
  /** Change your own password. */
  changePassword: {
    body: {
      /** A password. */
      currentPassword: string;
      /** A password. */
      newPassword: string;
    };
    answer: Schemas['OpenedSession'];
  };
  /** List your own sessions. */
  listSessions: {
    query: {
      limit?: number;
      cursor?: string;
    };
    answer: Schemas['SessionPage'];
  };
  /** End one of your own sessions. */
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
  /** Start a single sign-on to the appliance. */
  startOidcSignIn: {
    query: {
      returnTo: string;
      challenge: string;
    };
  };
  /** Start a single sign-on to a vault. */
  startOidcSignInToVault: {
    params: {
      vaultId: string;
    };
    query: {
      returnTo: string;
      challenge: string;
    };
  };
  /** Receive the browser back from the provider. */
  oidcCallback: {
    query: {
      state: string;
    };
  };
  /** Exchange the code of a single sign-on for a session. */
  finishOidcSignIn: {
    body: {
      /** The code that the browser brought back; used up by this request, right or wrong. */
      code: string;
      /** The verifier that the challenge is the hash of. */
      verifier: string;
      /** For browsers: return the session in a cookie. */
      cookie?: boolean;
    };
    answer: Schemas['OpenedSession'];
  };
  /** Show the OpenID Connect provider of the appliance. */
  getOidcProvider: {
    answer: Schemas['OidcProvider'];
  };
  /** Set up single sign-on for the appliance. */
  putOidcProvider: {
    body: {
      /** The provider’s issuer, exactly as in its metadata: https, without query and fragment. */
      issuer: string;
      /** The client id of Holdfast at the provider. */
      clientId: string;
      /** Scopes to request; must include `openid`. */
      scopes?: string[];
      /** The claim that identifies a user at the first sign-in: an email address that the provider has verified (`email_verified` is true) and that exactly one user has, or a username. From then on the user is identified by the provider’s `sub`. A provider that never sends `email_verified`, such as Microsoft Entra ID, needs `preferred_username`. */
      usernameClaim?: 'email' | 'preferred_username';
      /** CAs that the provider’s certificates must chain to, in PEM form; null for those of the system. */
      caCertificates?: string | null;
      /** If omitted, the stored secret is kept, provided that issuer, client id and CA certificates stay the same. Null for a public client. */
      clientSecret?: string | null;
    };
    answer: Schemas['OidcProvider'];
  };
  /** Turn off single sign-on for the appliance. */
  deleteOidcProvider: {};
  /** Show the OpenID Connect provider of a vault. */
  getVaultOidcProvider: {
    params: {
      vaultId: string;
    };
    answer: Schemas['OidcProvider'];
  };
  /** Set up single sign-on for a vault. */
  putVaultOidcProvider: {
    params: {
      vaultId: string;
    };
    body: {
      /** The provider’s issuer, exactly as in its metadata: https, without query and fragment. */
      issuer: string;
      /** The client id of Holdfast at the provider. */
      clientId: string;
      /** Scopes to request; must include `openid`. */
      scopes?: string[];
      /** The claim that identifies a user at the first sign-in: an email address that the provider has verified (`email_verified` is true) and that exactly one user has, or a username. From then on the user is identified by the provider’s `sub`. A provider that never sends `email_verified`, such as Microsoft Entra ID, needs `preferred_username`. */
      usernameClaim?: 'email' | 'preferred_username';
      /** CAs that the provider’s certificates must chain to, in PEM form; null for those of the system. */
      caCertificates?: string | null;
      /** If omitted, the stored secret is kept, provided that issuer, client id and CA certificates stay the same. Null for a public client. */
      clientSecret?: string | null;
    };
    answer: Schemas['OidcProvider'];
  };
  /** Turn off single sign-on for a vault. */
  deleteVaultOidcProvider: {
    params: {
      vaultId: string;
    };
  };
  /** Start setting up a second factor. */
  enrolTotp: {
    body: {
      /** A password. */
      password: string;
    };
    answer: Schemas['TotpEnrolment'];
  };
  /** Remove your own second factor. */
  removeTotp: {
    body: {
      /** A password. */
      password: string;
      /** Six digits, or a recovery code where a sign-in would accept one. */
      code: string;
    };
  };
  /** Turn the second factor on. */
  confirmTotp: {
    body: {
      /** Six digits, or a recovery code where a sign-in would accept one. */
      code: string;
    };
    answer: Schemas['RecoveryCodes'];
  };
  /** Generate new recovery codes. */
  newRecoveryCodes: {
    body: {
      /** A password. */
      password: string;
      /** Six digits, or a recovery code where a sign-in would accept one. */
      code: string;
    };
    answer: Schemas['RecoveryCodes'];
  };
  /** List your own API keys. */
  listApiKeys: {
    query: {
      limit?: number;
      cursor?: string;
      sort?: 'createdAt' | '-createdAt' | 'name' | '-name' | 'expiresAt' | '-expiresAt';
    };
    answer: Schemas['ApiKeyPage'];
  };
  /** Create an API key. */
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
      /** Its permissions, as long as its owner has them too. */
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
      /** Send it as `Authorization: Bearer`. Shown only once; a repeated request returns none. */
      secret?: string;
    };
  };
  /** Show one of your own API keys. */
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
  /** Create a vault. */
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
        /** Not case-sensitive. */
        username: string;
      };
      /** All tokens of the configuration if omitted. */
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
  /** Reset the password of a vault administrator. */
  resetVaultAdministrator: {
    params: {
      vaultId: string;
    };
    body: {
      /** The longest-standing administrator if omitted. */
      username?: string;
      /** Together with a username, creates the first vault administrator of a vault that has none. */
      email?: string;
      /** Also remove their second factor. */
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
  /** Create a user of the appliance. */
  createApplianceUser: {
    body: {
      /** Not case-sensitive. */
      username: string;
      /** The user’s full name. */
      displayName?: string;
      /** Where mail goes, such as first passwords. */
      email: string;
      role: 'appliance-admin' | 'appliance-auditor';
      /** By password, through the OpenID Connect provider of the vault or appliance, or either. */
      signIn?: 'password' | 'oidc' | 'both';
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
      /** The user’s full name. */
      displayName?: string;
      /** Where mail goes, such as first passwords. */
      email?: string;
      role?: 'appliance-admin' | 'appliance-auditor';
      /** A disabled user has no session and no API key. */
      state?: 'ACTIVE' | 'DISABLED';
      /** By password, through the OpenID Connect provider of the vault or appliance, or either. */
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
  /** Reset the password of a user of the appliance. */
  resetApplianceUserPassword: {
    params: {
      userId: string;
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
  /** Remove the second factor of a user of the appliance. */
  removeApplianceUserTotp: {
    params: {
      userId: string;
    };
    answer: Schemas['User'];
  };
  /** List the configured tokens. */
  listTokens: {
    query: {
      limit?: number;
      cursor?: string;
    };
    answer: Schemas['TokenPage'];
  };
  /** Show a token. */
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
      /** Usually 587 for `starttls`, 465 for `tls`. */
      port: number;
      /** TLS from the start, STARTTLS, or none, which is allowed only to this machine itself. */
      security: 'tls' | 'starttls' | 'none';
      /** Null for a server without authentication. */
      username?: string | null;
      /** Sender of the messages. */
      from: string;
      /** CAs that the server’s certificate must chain to, in PEM form; null for those of the system. */
      caCertificates?: string | null;
      /** A password. */
      password?: string;
    };
    answer: Schemas['MailSettings'];
  };
  /** Turn mail off. */
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
  /** Create a user of a vault. */
  createUser: {
    params: {
      vaultId: string;
    };
    body: {
      /** Not case-sensitive. */
      username: string;
      /** The user’s full name. */
      displayName?: string;
      /** Where mail goes, such as first passwords. */
      email: string;
      role: 'vault-admin' | 'cloud-admin' | 'auditor';
      /** By password, through the OpenID Connect provider of the vault or appliance, or either. */
      signIn?: 'password' | 'oidc' | 'both';
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
      /** The user’s full name. */
      displayName?: string;
      /** Where mail goes, such as first passwords. */
      email?: string;
      role?: 'vault-admin' | 'cloud-admin' | 'auditor';
      /** A disabled user has no session and no API key. */
      state?: 'ACTIVE' | 'DISABLED';
      /** By password, through the OpenID Connect provider of the vault or appliance, or either. */
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
  /** Reset the password of a user of a vault. */
  resetUserPassword: {
    params: {
      vaultId: string;
      userId: string;
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
  /** Remove the second factor of a user of a vault. */
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
  /** Create an admin group. */
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
  /** Delete an empty admin group. */
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
  /** Add a user to an admin group. */
  addAdminGroupMember: {
    params: {
      vaultId: string;
      groupId: string;
      userId: string;
    };
  };
  /** Remove a user from an admin group. */
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
  /** Create a CSP account. */
  createCspAccount: {
    params: {
      vaultId: string;
    };
    body: {
      /** Unique within the vault. */
      name: string;
      /** Admin group whose members see it. Cloud admins name one of their own. */
      adminGroupId: string;
      /** How Holdfast signs in to AWS: `access-key` of an IAM user; `role`, which is assumed with an access key or, without one, with the node’s own credentials; `ambient`, the node’s own credentials directly, for vaults that the configuration names; or `manual`, not at all. */
      type?: 'manual' | 'access-key' | 'role' | 'ambient';
      /** Free text. */
      description?: string;
      /** 12 digits; empty if unknown. AWS reports it for all types but `manual`. */
      awsAccountId?: string;
      /** AWS Region such as `eu-central-1`; empty if none was given. */
      defaultRegion?: string;
      /** AWS partition; derived from the role or the default Region if omitted. */
      partition?: 'aws' | 'aws-cn' | 'aws-us-gov' | 'aws-eusc';
      /** Use AWS’s FIPS endpoints; STS has them only in the United States. */
      fips?: boolean;
      /** Access key of an IAM user, with types `access-key` and `role`; null removes it from a role. */
      accessKeyId?: string | null;
      /** Must be provided together with accessKeyId; never shown again. */
      secretAccessKey?: string;
      /** With type `role`. */
      roleArn?: string;
      /** Rotation schedule of the access key. */
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
      /** How Holdfast signs in to AWS: `access-key` of an IAM user; `role`, which is assumed with an access key or, without one, with the node’s own credentials; `ambient`, the node’s own credentials directly, for vaults that the configuration names; or `manual`, not at all. */
      type?: 'manual' | 'access-key' | 'role' | 'ambient';
      /** 12 digits; empty if unknown. AWS reports it for all types but `manual`. */
      awsAccountId?: string;
      /** AWS Region such as `eu-central-1`; empty if none was given. */
      defaultRegion?: string;
      /** AWS partition; derived from the role or the default Region if omitted. */
      partition?: 'aws' | 'aws-cn' | 'aws-us-gov' | 'aws-eusc';
      /** Use AWS’s FIPS endpoints; STS has them only in the United States. */
      fips?: boolean;
      /** Access key of an IAM user, with types `access-key` and `role`; null removes it from a role. */
      accessKeyId?: string | null;
      /** Must be provided together with accessKeyId; never shown again. */
      secretAccessKey?: string;
      /** With type `role`. */
      roleArn?: string;
      /** Rotation schedule of the access key. */
      accessKeyRotation?: {
        /** Null for never. */
        days: number | null;
      };
    };
    answer: Schemas['CspAccount'];
  };
  /** Delete a CSP account that no key set uses. */
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
  /** Show the least-privilege IAM policy for a CSP account. */
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
  /** Create a key set. */
  createKeySet: {
    params: {
      vaultId: string;
    };
    body: {
      /** Unique within the vault: A-Z, a-z, 0-9, `_`, `-` and `/`. */
      name: string;
      /** One of the vault’s tokens. Fixed once it has CloudKeys or credentials. */
      token: string;
      /** Path prefix of its XKS URIs, with or without slashes around it; empty for none. Unique among all key sets. Fixed once it has CloudKeys or credentials. */
      pathPrefix?: string;
      /** Free text. */
      description?: string;
      /** Admin group whose members see it; null for none. Cloud admins name one of their own. */
      adminGroupId?: string | null;
      /** CSP account that it belongs to; null for none. */
      cspAccountId?: string | null;
      /** Whether AWS may use it as an external key store; if false, its credentials are refused. */
      externalKeyStore?: boolean;
      /** Days of 24 hours between rotations of CloudKeys without a schedule of their own. */
      rotation?: {
        /** Null for never. */
        days: number | null;
      };
      /** Request quota; requests beyond it get ThrottlingException. Null for no quota. */
      quota?: {
        /** XKS requests per second, on average. */
        requestsPerSecond: number;
        /** Largest burst; equal to requestsPerSecond if omitted. */
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
      /** One of the vault’s tokens. Fixed once it has CloudKeys or credentials. */
      token?: string;
      /** Path prefix of its XKS URIs, with or without slashes around it; empty for none. Unique among all key sets. Fixed once it has CloudKeys or credentials. */
      pathPrefix?: string;
      /** Free text. */
      description?: string;
      /** Admin group whose members see it; null for none. Cloud admins name one of their own. */
      adminGroupId?: string | null;
      /** CSP account that it belongs to; null for none. */
      cspAccountId?: string | null;
      /** Whether AWS may use it as an external key store; if false, its credentials are refused. */
      externalKeyStore?: boolean;
      /** Days of 24 hours between rotations of CloudKeys without a schedule of their own. */
      rotation?: {
        /** Null for never. */
        days: number | null;
      };
      /** Request quota; requests beyond it get ThrottlingException. Null for no quota. */
      quota?: {
        /** XKS requests per second, on average. */
        requestsPerSecond: number;
        /** Largest burst; equal to requestsPerSecond if omitted. */
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
      /** The reason, such as an incident number; recorded in the audit trail. */
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
      /** The reason, such as an incident number; recorded in the audit trail. */
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
      /** The reason, such as an incident number; recorded in the audit trail. */
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
      /** When it expires, in the future; null for never. */
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
      /** When it expires, in the future; null for never. */
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
  /** Create the external key store of a key set in a Region. */
  createExternalKeyStore: {
    params: {
      vaultId: string;
      keySetId: string;
    };
    body: {
      /** AWS Region such as `eu-central-1`. */
      region: string;
      /** Its name in AWS; the name of the key set if omitted. */
      name?: string;
      /** How AWS KMS reaches the proxy. */
      connectivity?: 'PUBLIC_ENDPOINT' | 'VPC_ENDPOINT_SERVICE';
      /** `https://` and the fully qualified host name at which AWS reaches this node; the one used last if omitted. */
      uriEndpoint?: string;
      /** VPC endpoint service, with VPC_ENDPOINT_SERVICE. */
      vpcEndpointServiceName?: string;
      /** AWS account that owns it, if it is another one. */
      vpcEndpointServiceOwner?: string;
      /** False: a person creates it in AWS. If omitted, Holdfast creates it if it can sign in to AWS. */
      make?: boolean;
      /** Connect it once it is created. */
      connect?: boolean;
    };
    answer: Schemas['ExternalKeyStore'];
  };
  /** Find external key stores in AWS that may belong to the key set. */
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
  /** Link an external key store that was created in AWS manually. */
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
      /** Its name in AWS, if Holdfast does not sign in there. */
      name?: string;
      /** Its endpoint in AWS, if Holdfast does not sign in there. */
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
      /** Its name in AWS, unique within the account and Region. */
      name?: string;
      /** How AWS KMS reaches the proxy. */
      connectivity?: 'PUBLIC_ENDPOINT' | 'VPC_ENDPOINT_SERVICE';
      /** `https://` and the fully qualified host name at which AWS reaches this node, on port 443; with a VPC endpoint service, its private DNS name. */
      uriEndpoint?: string;
      /** VPC endpoint service, with VPC_ENDPOINT_SERVICE. */
      vpcEndpointServiceName?: string;
      /** AWS account that owns it, if it is another one. */
      vpcEndpointServiceOwner?: string;
      /** Set the path in AWS to that of the key set. */
      restorePath?: boolean;
      /** Disconnect it for changes that require it, and connect it again. None of its KMS keys can be used in the meantime. */
      disconnect?: boolean;
      /** Of a manual one: its id in AWS. */
      customKeyStoreId?: string;
      /** Of a manual one: the state that AWS shows. */
      state?: 'CONNECTED' | 'DISCONNECTED' | 'FAILED' | 'UNKNOWN';
      /** Of a manual one, with FAILED: AWS’s connection error code. */
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
  /** Refresh an external key store from AWS. */
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
      /** The old credential is retired after it has been idle for this many minutes. */
      retireAfterQuietMinutes?: number;
      /** Of a manual one: confirms that AWS was given the new credential. */
      done?: boolean;
    };
    answer: Schemas['ExternalKeyStoreRotation'];
  };
  /** Show what to enter in the AWS console. */
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
  /** Find the vault that a CloudKey belongs to. */
  findCloudKeys: {
    body: {
      /** Id, external key id or full name of the CloudKey, or key id, key ARN, alias (with or without `alias/`) or alias ARN of its KMS key. */
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
  /** Create a CloudKey. */
  createCloudKey: {
    params: {
      vaultId: string;
    };
    body: {
      /** Unique within the key set among CloudKeys that are not DELETED: A-Z, a-z, 0-9, `_`, `-` and `/`. */
      name: string;
      /** Free text. */
      description?: string;
      /** AWS Region; the default Region of the key set’s CSP account if omitted. */
      region?: string;
      /** ARNs of IAM users and roles that may administer the KMS key; none twice. */
      administrators?: string[];
      /** ARNs of IAM users and roles that may use the KMS key; none twice. */
      users?: string[];
      /** Rotation schedule. */
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
      /** When it expires, in the future; null for never. */
      expiresAt?: string | null;
      /** Request quota; requests beyond it get ThrottlingException. Null for no quota. */
      quota?: {
        /** XKS requests per second, on average. */
        requestsPerSecond: number;
        /** Largest burst; equal to requestsPerSecond if omitted. */
        burst?: number;
      } | null;
      /** Key set that it belongs to; permanent. */
      keySetId: string;
      /** How AWS refers to it (XksKeyId); permanent and never used again: A-Z, a-z, 0-9, `-`, `.` and `_`. */
      externalKeyId?: string;
      /** What AWS may do with it; permanent, and set on the key object too. */
      usage?: 'encrypt-decrypt' | 'encrypt-only' | 'decrypt-only' | 'neither';
      /** Its KMS key in AWS: true for one with defaults, false for none, or its settings. If omitted, one is created if the key set has an external key store in the Region of the CloudKey and a CSP account that is not manual. */
      kmsKey?:
        | boolean
        | {
            /** With or without the prefix `alias/`; empty for none. `alias/` and the name of the CloudKey if omitted. */
            alias?: string;
            /** The description of the CloudKey if omitted. */
            description?: string;
            /** Up to 48 tags in addition to `holdfast:kms-key` and `holdfast:cloud-key`. */
            tags?: Record<string, string>;
            /** `generated`: from the administrators and users of the CloudKey, with the statement for the AWS account, so that IAM policies apply too. `generated-without-root`: without that statement, so that the key policy alone decides. Or a key policy document. */
            policy?: ('generated' | 'generated-without-root') | Record<string, unknown>;
          };
    };
    answer: Schemas['CloudKey'];
  };
  /** Adopt a key of the AWS sample proxy. */
  adoptCloudKey: {
    params: {
      vaultId: string;
    };
    body: {
      /** Unique within the key set among CloudKeys that are not DELETED: A-Z, a-z, 0-9, `_`, `-` and `/`. */
      name: string;
      /** Free text. */
      description?: string;
      /** AWS Region; the default Region of the key set’s CSP account if omitted. */
      region?: string;
      /** ARNs of IAM users and roles that may administer the KMS key; none twice. */
      administrators?: string[];
      /** ARNs of IAM users and roles that may use the KMS key; none twice. */
      users?: string[];
      /** Rotation schedule. */
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
      /** When it expires, in the future; null for never. */
      expiresAt?: string | null;
      /** Request quota; requests beyond it get ThrottlingException. Null for no quota. */
      quota?: {
        /** XKS requests per second, on average. */
        requestsPerSecond: number;
        /** Largest burst; equal to requestsPerSecond if omitted. */
        burst?: number;
      } | null;
      /** Key set that it belongs to; permanent. */
      keySetId: string;
      /** CKA_LABEL of the key object in the token. */
      label: string;
      /** How AWS refers to it; the label if omitted, as in the sample proxy. */
      externalKeyId?: string;
      /** Permanently set those attributes to false in the token that a CloudKey does not need: CKA_SIGN, CKA_VERIFY, CKA_WRAP, CKA_UNWRAP, CKA_DERIVE. Nothing else is changed, and nothing at all if the key cannot be adopted even so. If the token refuses, its return value is reported (409). */
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
      /** AWS Region such as `eu-central-1`; empty if none was given. */
      region?: string;
      /** ARNs of IAM users and roles that may administer the KMS key; none twice. */
      administrators?: string[];
      /** ARNs of IAM users and roles that may use the KMS key; none twice. */
      users?: string[];
      /** Rotation schedule. */
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
      /** When it expires, in the future; null for never. */
      expiresAt?: string | null;
      /** Request quota; requests beyond it get ThrottlingException. Null for no quota. */
      quota?: {
        /** XKS requests per second, on average. */
        requestsPerSecond: number;
        /** Largest burst; equal to requestsPerSecond if omitted. */
        burst?: number;
      } | null;
      /** Also change its KMS keys in AWS. */
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
      /** `both`: its KMS keys too. The change here never waits for AWS; what AWS does not do at once is retried. */
      cloud?: 'ours' | 'both';
    };
    answer: Schemas['ActedCloudKey'];
  };
  /** Enable a CloudKey. */
  enableCloudKey: {
    params: {
      vaultId: string;
      cloudKeyId: string;
    };
    body: {
      /** `both`: its KMS keys too. The change here never waits for AWS; what AWS does not do at once is retried. */
      cloud?: 'ours' | 'both';
    };
    answer: Schemas['ActedCloudKey'];
  };
  /** Rotate a CloudKey. */
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
      /** Waiting period in days, after which the key objects are destroyed. */
      days?: number;
      /** `both`: its KMS keys too. The change here never waits for AWS; what AWS does not do at once is retried. */
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
      /** `both`: its KMS keys too. The change here never waits for AWS; what AWS does not do at once is retried. */
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
  /** Create a KMS key for a CloudKey. */
  createKmsKey: {
    params: {
      vaultId: string;
      cloudKeyId: string;
    };
    body: {
      /** The external key store to create it in. */
      externalKeyStoreId?: string;
      /** Alternatively its Region; that of the CloudKey if both are omitted. */
      region?: string;
      /** With or without the prefix `alias/`; empty for none. `alias/` and the name of the CloudKey if omitted. */
      alias?: string;
      /** The description of the CloudKey if omitted. */
      description?: string;
      /** Up to 48 tags in addition to `holdfast:kms-key` and `holdfast:cloud-key`. */
      tags?: Record<string, string>;
      /** `generated`: from the administrators and users of the CloudKey, with the statement for the AWS account, so that IAM policies apply too. `generated-without-root`: without that statement, so that the key policy alone decides. Or a key policy document. */
      policy?: ('generated' | 'generated-without-root') | Record<string, unknown>;
      /** ARN of an existing KMS key that refers to the CloudKey through this key store. */
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
  /** Change a KMS key record. */
  updateKmsKey: {
    params: {
      vaultId: string;
      cloudKeyId: string;
      kmsKeyId: string;
    };
    body: {
      /** With or without the prefix `alias/`; empty for none. `alias/` and the name of the CloudKey if omitted. */
      alias?: string;
      /** The description of the CloudKey if omitted. */
      description?: string;
      /** Up to 48 tags in addition to `holdfast:kms-key` and `holdfast:cloud-key`. */
      tags?: Record<string, string>;
      /** `generated`: from the administrators and users of the CloudKey, with the statement for the AWS account, so that IAM policies apply too. `generated-without-root`: without that statement, so that the key policy alone decides. Or a key policy document. */
      policy?: ('generated' | 'generated-without-root') | Record<string, unknown>;
      /** ARN of an existing KMS key that refers to the CloudKey through this key store. */
      keyArn?: string;
      /** Also change it in AWS. */
      apply?: boolean;
    };
    answer: Schemas['KmsKey'];
  };
  /** Remove a KMS key record. */
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
  /** Show what to enter in the AWS console. */
  getKmsKeyConsole: {
    params: {
      vaultId: string;
      cloudKeyId: string;
      kmsKeyId: string;
    };
    answer: Schemas['KmsKeyConsole'];
  };
  /** Retry a failed step. */
  retryKmsKey: {
    params: {
      vaultId: string;
      cloudKeyId: string;
      kmsKeyId: string;
    };
    body: {
      /** Take the alias away from the KMS key that has it; without this it is never taken. */
      takeAlias?: boolean;
    };
    answer: Schemas['KmsKey'];
  };
  /** Refresh a KMS key from AWS. */
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
  /** Apply a KMS key record to AWS. */
  applyKmsKey: {
    params: {
      vaultId: string;
      cloudKeyId: string;
      kmsKeyId: string;
    };
    body: {
      /** Only these; everything that differs if omitted. */
      what?: ('policy' | 'alias' | 'description' | 'tags' | 'state' | 'key-store')[];
    };
    answer: Schemas['KmsKey'];
  };
  /** Accept the state in AWS. */
  acceptKmsKey: {
    params: {
      vaultId: string;
      cloudKeyId: string;
      kmsKeyId: string;
    };
    body: {
      /** Only these; everything that differs if omitted. */
      what?: ('policy' | 'alias' | 'description' | 'tags' | 'state' | 'key-store')[];
    };
    answer: Schemas['KmsKey'];
  };
  /** Find KMS keys without a KMS key record. */
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
  /** List audit events of the appliance. */
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
  /** List audit events of a vault. */
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
  /** Show the audit trail of the appliance. */
  getApplianceAuditTrail: {
    query: {
      deletedVault?: string;
    };
    answer: Schemas['AuditTrail'];
  };
  /** List the prunings of the appliance’s audit trail. */
  listApplianceAuditPrunings: {
    query: {
      limit?: number;
      cursor?: string;
      sort?: '-askedAt' | 'askedAt';
      deletedVault?: string;
    };
    answer: Schemas['ApplianceAuditPruningPage'];
  };
  /** Prune the audit trail of the appliance, or of a deleted vault. */
  createApplianceAuditPruning: {
    body: {
      /** Start of the range; null for the beginning of the trail. */
      from?: string | null;
      /** End of the range, exclusive; no later than `prunableBefore` of the trail. */
      before: string;
      /** Number of events in the archive. */
      count: number;
      /** SHA-256 of all of them in order of time and sequence, each as canonical JSON (RFC 8785) with a line feed after it, in lower-case hexadecimal digits. */
      sha256: string;
      /** The trail of this deleted vault instead. */
      deletedVault?: string;
    };
    answer: Schemas['AuditPruning'];
  };
  /** Show a pruning of the audit trail of the appliance, or of a deleted vault. */
  getApplianceAuditPruning: {
    params: {
      pruningId: string;
    };
    answer: Schemas['AuditPruning'];
  };
  /** Show the audit trail of a vault. */
  getAuditTrail: {
    params: {
      vaultId: string;
    };
    answer: Schemas['AuditTrail'];
  };
  /** List the prunings of a vault’s audit trail. */
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
  /** Prune the audit trail of a vault. */
  createAuditPruning: {
    params: {
      vaultId: string;
    };
    body: {
      /** Start of the range; null for the beginning of the trail. */
      from?: string | null;
      /** End of the range, exclusive; no later than `prunableBefore` of the trail. */
      before: string;
      /** Number of events in the archive. */
      count: number;
      /** SHA-256 of all of them in order of time and sequence, each as canonical JSON (RFC 8785) with a line feed after it, in lower-case hexadecimal digits. */
      sha256: string;
    };
    answer: Schemas['AuditPruning'];
  };
  /** Show a pruning of the audit trail of a vault. */
  getAuditPruning: {
    params: {
      vaultId: string;
      pruningId: string;
    };
    answer: Schemas['AuditPruning'];
  };
  /** List the reconciliation reports. */
  listReconciliations: {
    query: {
      limit?: number;
      cursor?: string;
      sort?: '-beganAt' | 'beganAt';
    };
    answer: Schemas['ReconciliationPage'];
  };
  /** Compare the records with the tokens now. */
  createReconciliation: {
    answer: Schemas['Reconciliation'];
  };
  /** Show a reconciliation report. */
  getReconciliation: {
    params: {
      reconciliationId: string;
    };
    answer: Schemas['Reconciliation'];
  };
  /** List the reconciliation reports of a vault. */
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
  /** Show a reconciliation report of a vault. */
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
