import type { LoadedConfig } from '../../config/load.ts';
import { sealedSecretsOfPeople } from '../../identity/sealed-secrets.ts';
import { SqliteStore } from '../../store/sqlite/sqlite.ts';
import { readOwnKeyProofs } from '../../keys/own-key-proofs.ts';
import { askHealth, examineToken, tokensNeeded, type TokenContents } from '../../reconcile/restored-keys.ts';
import { sealedSecretsOfVaults } from '../../reconcile/sealed-secrets.ts';
import type { NamedSecret } from '../../vault/sealing.ts';
import { openTokens } from './open-node.ts';

/**
 * Looks whether the tokens of the configuration have what a store needs: the key of each version, and the sealing key of each
 * secret. Token hosts of its own do it. Of an HSM group one member is enough. Throws TokenStartError, TokenError.
 */
export async function examineTokens(config: LoadedConfig, storePath: string): Promise<TokenContents[]> {
  const store = await SqliteStore.open(storePath, { readonly: true });
  try {
    const needed = await tokensNeeded({ store }, sealedSecrets(store));
    const tokens = config.tokens.filter(({ name }) => needed.includes(name));
    const { rooms, hosts, notOpened, close } = await openTokens(config, tokens, {
      ownProofs: await readOwnKeyProofs(store),
    });
    try {
      const found: TokenContents[] = [];
      for (const token of needed) {
        if (!rooms.has(token)) {
          found.push(notConfigured(token));
          continue;
        }
        const context = { store, tokens: rooms };
        await askHealth(context, token);
        const contents = await examineToken(context, token, sealedSecrets(store));
        // Keys of our own that are not those of the backup: in another token of this name, say.
        contents.missing.unshift(...(hosts.get(token)?.alarms ?? []));
        found.push({ ...contents, notAsked: notOpened.get(token) ?? [] });
      }
      return found;
    } finally {
      await close();
    }
  } finally {
    await store.close();
  }
}

async function* sealedSecrets(store: SqliteStore): AsyncGenerator<NamedSecret, void, undefined> {
  yield* sealedSecretsOfVaults(store);
  yield* sealedSecretsOfPeople(store);
}

function notConfigured(token: string): TokenContents {
  const missing = [
    'the configuration has no token of this name, and the backup has key sets or secrets in it',
  ];
  return { token, proven: 0, opened: 0, missing, notAsked: [] };
}
