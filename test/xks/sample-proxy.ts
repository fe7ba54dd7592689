// Child process of adopted-key.test.ts: what AWS's sample proxy did in the token before we came. JSON on stdin and stdout.
import { createHash } from 'node:crypto';
import { text } from 'node:stream/consumers';
import pkcs11js from 'pkcs11js';
import { openBareSession } from '../../testing/bare-session.ts';

export interface SampleProxyOrder {
  module: string;
  tokenLabel: string;
  pin: string;
  keyLabel: string;
  /** Hex; all Base64 but for this. */
  keyId: string;
  encrypt: { plaintext: string; aad?: string; metadata?: string }[];
}

if (import.meta.main) {
  const order = JSON.parse(await text(process.stdin)) as SampleProxyOrder;
  const { module, tokenLabel: label, pin } = order;
  const { lib: library, session } = await openBareSession({ module, label, pin });
  const yes = [pkcs11js.CKA_TOKEN, pkcs11js.CKA_PRIVATE, pkcs11js.CKA_SENSITIVE];
  const uses = [pkcs11js.CKA_ENCRYPT, pkcs11js.CKA_DECRYPT];
  const no = [pkcs11js.CKA_EXTRACTABLE, pkcs11js.CKA_WRAP, pkcs11js.CKA_UNWRAP, pkcs11js.CKA_DERIVE];
  const key = library.C_GenerateKey(
    session,
    { mechanism: pkcs11js.CKM_AES_KEY_GEN, parameter: null } as unknown as pkcs11js.Mechanism,
    [
      { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_SECRET_KEY },
      { type: pkcs11js.CKA_KEY_TYPE, value: pkcs11js.CKK_AES },
      { type: pkcs11js.CKA_VALUE_LEN, value: 32 },
      ...[...yes, ...uses].map((type) => ({ type, value: true })),
      ...no.map((type) => ({ type, value: false })),
      { type: pkcs11js.CKA_LABEL, value: Buffer.from(order.keyLabel) },
      { type: pkcs11js.CKA_ID, value: Buffer.from(order.keyId, 'hex') },
    ],
  );
  const answers = order.encrypt.map(({ plaintext, aad, metadata }) => {
    const iv = library.C_GenerateRandom(session, Buffer.alloc(12));
    const input = Buffer.from(plaintext, 'base64');
    library.C_EncryptInit(
      session,
      {
        mechanism: pkcs11js.CKM_AES_GCM,
        parameter: {
          type: pkcs11js.CK_PARAMS_AES_GCM_v240,
          iv,
          ivBits: 96,
          aad: fullAad(aad, metadata),
          tagBits: 128,
        },
      } as unknown as pkcs11js.Mechanism,
      key,
    );
    const sealed = library.C_Encrypt(session, input, Buffer.alloc(input.length + 16));
    return {
      ciphertext: sealed.subarray(0, input.length).toString('base64'),
      authenticationTag: sealed.subarray(input.length).toString('base64'),
      initializationVector: iv.toString('base64'),
      ciphertextMetadata: metadata,
    };
  });
  process.stdout.write(JSON.stringify(answers));
  library.C_Logout(session);
  library.C_Finalize();
}

/** Length of the AAD itself, then its hash, then length of the metadata, then the metadata. */
function fullAad(aad: string | undefined, metadata = ''): Buffer {
  const [aadBytes, metadataBytes] = [Buffer.from(aad ?? '', 'base64'), Buffer.from(metadata, 'base64')];
  const length = Buffer.alloc(2);
  length.writeUInt16BE(aadBytes.length);
  const digest = aad === undefined ? Buffer.alloc(0) : createHash('sha256').update(aadBytes).digest();
  return Buffer.concat([length, digest, Buffer.from([metadataBytes.length]), metadataBytes]);
}
