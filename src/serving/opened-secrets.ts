import { revealSecret } from '../keys/credentials/credentials.ts';
import type { Secret } from '../secret.ts';
import type { TokenPools } from '../vault/tokens.ts';
import { opensSame, type LiveCredential } from './live-credential.ts';

interface OpenedSecret {
  /** What it was opened for: of another record, key set, vault or token it is to be opened, and so proven, anew. */
  credential: LiveCredential;
  secret: Secret;
}

/** Secrets of XKS credentials that the token has opened, by access key id. */
export class OpenedSecrets {
  readonly #tokens: TokenPools;
  readonly #opened = new Map<string, OpenedSecret>();
  readonly #opening = new Map<string, Promise<OpenedSecret>>();

  constructor(tokens: TokenPools) {
    this.#tokens = tokens;
  }

  /** Asks the token once, for all who wait, then remembers. Throws TokenError. */
  async of(credential: LiveCredential, deadline: number): Promise<Secret> {
    const known = this.#opened.get(credential.accessKeyId);
    if (known !== undefined && opensSame(known.credential, credential)) return known.secret;
    const opened = await (this.#opening.get(credential.accessKeyId) ?? this.#open(credential, deadline));
    return opensSame(opened.credential, credential) ? opened.secret : this.of(credential, deadline);
  }

  forget(accessKeyId: string): void {
    this.#opened.delete(accessKeyId);
  }

  async #open(credential: LiveCredential, deadline: number): Promise<OpenedSecret> {
    const { accessKeyId, keySet, sealedSecret } = credential;
    const identity = { vaultId: keySet.vaultId, keySetId: keySet.id, accessKeyId, sealedSecret };
    const open = async () => ({
      credential,
      secret: await revealSecret(this.#tokens, identity, keySet.token, deadline),
    });
    const opening = open().finally(() => this.#opening.delete(accessKeyId));
    this.#opening.set(accessKeyId, opening);
    const opened = await opening;
    this.#opened.set(accessKeyId, opened);
    return opened;
  }
}
