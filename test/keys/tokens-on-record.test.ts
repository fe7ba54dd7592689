import test from 'ava';
import { keepOwnKeyProofs, readTokensOnRecord } from '../../src/keys/own-key-proofs.ts';
import { ownKeys } from '../../src/token/own-keys.ts';
import { VaultError } from '../../src/vault/vault-error.ts';
import { databases } from '../../testing/stores.ts';

const { sealing, health } = ownKeys;
const proofOf = (text: string) => Buffer.from(text).toString('base64');
const proofs = (text: string) => ({
  [sealing.label]: proofOf(text),
  [health.label]: proofOf(`health ${text}`),
});

for (const [database, make] of Object.entries(databases))
  test(`${database}: of two nodes that begin at once with a token of one name each, one is refused`, async (t) => {
    const made = await make();
    const [one, another] = [await made.open(), await made.open()];
    t.teardown(async () => {
      await Promise.all([one.close(), another.close()]);
      await made.dispose();
    });
    const keep = async (store: typeof one, serial: string, text: string, labels: string[] = []) =>
      keepOwnKeyProofs(store, 'hsm', { serial }, { proofs: proofs(text), made: labels }, new Date());
    const all = [sealing.label, health.label];
    // Neither had seen anything on record.
    const ends = await Promise.allSettled([keep(one, 'A', 'a', all), keep(another, 'B', 'b', all)]);
    t.deepEqual(ends.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
    const refused = ends.find((end) => end.status === 'rejected');
    const error = refused?.reason as unknown;
    if (!(error instanceof VaultError)) throw error;
    t.regex(error.message, /serial [AB]\) is not known to be .* of serial [AB]$/);
    const [kept, text] = ends[0].status === 'fulfilled' ? ['A', 'a'] : ['B', 'b'];
    const onRecord = async () => (await readTokensOnRecord(one)).get('hsm');
    t.deepEqual(await onRecord(), { serials: [kept], proof: proofOf(text) });

    // Proven by what is on record it is the same token, whatever its serial number.
    await keep(another, 'C', text);
    t.deepEqual((await onRecord())?.serials.toSorted(), [kept, 'C'].toSorted());
    // A sealing key that was made anew is another token's, under a serial number on record too.
    await t.throwsAsync(keep(one, kept, 'new', [sealing.label]), { instanceOf: VaultError });
    // The health key may be made anew.
    const { [health.label]: renewed = '' } = proofs('renewed');
    await keepOwnKeyProofs(
      one,
      'hsm',
      { serial: kept },
      { proofs: { [health.label]: renewed }, made: [health.label] },
      new Date(),
    );
    t.is((await onRecord())?.proof, proofOf(text));
  });
