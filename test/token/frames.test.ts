import fc from '../../testing/properties.ts';
import test from 'ava';
import { CKR, TokenError, tokenFaults } from '../../src/token/faults.ts';
import { FrameCutter, FrameReader, maxFrameBytes } from '../../src/token/frame-bytes.ts';
import { readRequest, writeRequest } from '../../src/token/request-frames.ts';
import { readResponse, writeResponse, type TokenAnswer } from '../../src/token/response-frames.ts';
import type { TokenRequest } from '../../src/token/messages.ts';

const bytes = (maxLength = 300) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));
// Any text that UTF-8 can carry, control characters and all.
const text = fc.string({ unit: 'binary', maxLength: 80 });
const aadForm = fc.constantFrom('full' as const, 'sha256' as const);
const id = fc.nat(0xffff_ffff);
const kind = <K extends string>(name: K) => fc.constant(name);

const requests: fc.Arbitrary<TokenRequest> = fc.oneof(
  fc.record({
    kind: kind('encrypt'),
    key: bytes(),
    identity: bytes(),
    aadForm,
    aad: bytes(70_000),
    metadata: bytes(20),
    plaintext: bytes(9000),
    verify: fc.boolean(),
  }),
  fc.record({
    kind: kind('decrypt'),
    key: bytes(),
    identity: bytes(),
    aadForm,
    aad: bytes(70_000),
    metadata: bytes(20),
    iv: bytes(16),
    ciphertext: bytes(9000),
    tag: bytes(16),
  }),
  fc.record({
    kind: kind('generateKey'),
    key: bytes(),
    label: text,
    binding: bytes(),
    encrypt: fc.boolean(),
    decrypt: fc.boolean(),
  }),
  fc.record({ kind: kind('destroyKey'), key: bytes(), identity: bytes() }),
  fc.record({ kind: kind('proveKey'), key: bytes(), identity: bytes() }),
  fc.record({ kind: kind('makeProof'), key: bytes(), identity: bytes() }),
  fc.record({ kind: kind('inspectKey'), key: bytes() }),
  fc.record({ kind: kind('findKey'), label: text }),
  fc.record({ kind: kind('restrictKey'), key: bytes(), label: text }),
  fc.record({ kind: kind('listKeys'), after: bytes(), limit: id }),
  fc.record({ kind: kind('seal'), context: bytes(), secret: bytes() }),
  fc.record({ kind: kind('unseal'), context: bytes(), former: text, sealed: bytes() }),
  fc.record({ kind: kind('reseal'), context: bytes(), former: text, sealed: bytes() }),
  fc.record({ kind: kind('health') }),
  fc.record({ kind: kind('learn'), milliseconds: id }),
);

const attributes = fc.record({
  id: bytes(2000),
  label: fc.string({ unit: 'binary', maxLength: 1000 }),
  encrypt: fc.boolean(),
  decrypt: fc.boolean(),
  compliant: fc.boolean(),
  generatedOnToken: fc.boolean(),
  violations: fc.array(text, { maxLength: 12 }),
});
const texts = fc.array(text, { maxLength: 12 });
const foundKey = fc
  .tuple(attributes, fc.record({ excess: texts, lasting: texts, modifiable: fc.boolean() }))
  .map(([told, found]) => Object.assign(told, found));
const answer = <K extends TokenAnswer['kind']>(
  name: K,
  value: fc.Arbitrary<Extract<TokenAnswer, { kind: K }>['value']>,
) => fc.record({ kind: fc.constant(name), value }) as fc.Arbitrary<TokenAnswer>;
const answers: fc.Arbitrary<TokenAnswer> = fc.oneof(
  answer(
    'encrypt',
    fc.record({
      iv: bytes(16),
      ciphertext: bytes(9000),
      tag: bytes(16),
      cdiv: bytes(32),
      encryptions: fc.nat(255),
    }),
  ),
  answer('decrypt', fc.record({ plaintext: bytes(9000) })),
  answer(
    'generateKey',
    fc.tuple(attributes, bytes()).map(([told, proof]) => Object.assign(told, { proof })),
  ),
  answer('proveKey', fc.constant({})),
  answer('makeProof', fc.record({ proof: bytes() })),
  answer('inspectKey', attributes),
  answer('findKey', foundKey),
  answer('restrictKey', fc.constant({})),
  answer(
    'listKeys',
    fc.record({
      keys: fc.array(
        fc.tuple(attributes, id).map(([told, objects]) => Object.assign(told, { objects })),
        { maxLength: 20 },
      ),
      more: fc.boolean(),
    }),
  ),
  answer('destroyKey', fc.record({ destroyed: fc.nat(0xffff_ffff) })),
  answer('seal', fc.record({ sealed: bytes() })),
  answer('reseal', fc.record({ sealed: bytes() })),
  answer('unseal', fc.record({ secret: bytes() })),
  answer('health', fc.constant({})),
  answer('learn', fc.record({ known: id, searchTime: fc.double({ min: 0, noNaN: true }) })),
);
const faults = fc.record({
  fault: fc.constantFrom(...tokenFaults),
  call: fc.string({ unit: 'binary', maxLength: 64 }).filter((call) => call.length <= 64),
  rv: fc.option(fc.nat(0xffff_ffff), { nil: undefined }),
  detail: fc.option(text, { nil: undefined }),
});

/** The one frame in `bytes`, without its length. */
function cut(written: Buffer): Buffer {
  const [frame, second] = new FrameCutter().push(written);
  if (frame === undefined || second !== undefined) throw new Error('not one frame');
  return frame;
}

test('every request reads back as it was written', (t) => {
  fc.assert(
    fc.property(id, fc.double({ noNaN: true }), requests, (id, deadline, request) => {
      t.deepEqual(readRequest(cut(writeRequest({ id, deadline, request }))), { id, deadline, request });
    }),
    { numRuns: 500 },
  );
});

test('every answer reads back as it was written', (t) => {
  fc.assert(
    fc.property(fc.record({ id, microseconds: id, learning: fc.boolean(), answer: answers }), (response) => {
      t.deepEqual(readResponse(cut(writeResponse(response))), response);
    }),
    { numRuns: 500 },
  );
});

test('every fault reads back as it was written', (t) => {
  fc.assert(
    fc.property(id, fc.boolean(), faults, (id, learning, { fault, call, rv, detail }) => {
      const error = new TokenError(fault, call, rv, detail);
      const response = readResponse(cut(writeResponse({ id, microseconds: id, learning, answer: error })));
      t.like(response, { id, microseconds: id, learning });
      t.true(response.answer instanceof TokenError);
      const { answer } = response;
      if (answer instanceof TokenError) t.like(answer, { fault, call, rv, detail, message: error.message });
    }),
  );
});

test('a fault’s call is cut to 64 characters', (t) => {
  const error = new TokenError('internal', 'x'.repeat(1000), CKR.GENERAL_ERROR);
  const { answer } = readResponse(
    cut(writeResponse({ id: 1, microseconds: 2, learning: false, answer: error })),
  );
  t.true(answer instanceof TokenError && answer.call === 'x'.repeat(64));
});

test('however the stream is cut into chunks, the same frames come out', (t) => {
  fc.assert(
    fc.property(
      fc.array(requests, { maxLength: 6 }),
      fc.array(fc.nat(200_000), { maxLength: 20 }),
      (list, cuts) => {
        const written = list.map((request, id) => writeRequest({ id, deadline: 1, request }));
        const stream = Buffer.concat(written);
        const edges = [0, ...cuts.map((at) => at % (stream.length + 1)), stream.length].toSorted(
          (a, b) => a - b,
        );
        const cutter = new FrameCutter();
        // One chunk buffer for all, as the token host's reads have it: nothing may be kept in it.
        const chunk = Buffer.alloc(stream.length);
        const read = edges.slice(1).flatMap((edge, index) => {
          const length = stream.copy(chunk, 0, edges[index] ?? 0, edge);
          return cutter.push(chunk.subarray(0, length)).map((frame) => Buffer.from(frame));
        });
        t.deepEqual(
          read,
          written.map((frame) => frame.subarray(4)),
        );
      },
    ),
  );
});

test('a byte at a time gives the same frames too', (t) => {
  const request: TokenRequest = { kind: 'findKey', label: 'a label' };
  const stream = Buffer.concat([1, 2, 3].map((id) => writeRequest({ id, deadline: 7, request })));
  const cutter = new FrameCutter();
  const frames = [...stream].flatMap((byte) => cutter.push(Buffer.from([byte])));
  t.deepEqual(
    frames.map((frame) => readRequest(frame).id),
    [1, 2, 3],
  );
});

test('a frame that is larger than any message is refused before it is stored', (t) => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(maxFrameBytes);
  t.deepEqual(new FrameCutter().push(length), []);
  for (const tooLong of [maxFrameBytes + 1, 0xffff_ffff]) {
    length.writeUInt32BE(tooLong);
    t.throws(() => new FrameCutter().push(length), { instanceOf: RangeError });
  }
});

test('the largest plaintext and AAD that a request may have fit into a frame', (t) => {
  const [aad, plaintext] = [Buffer.alloc(65_535, 1), Buffer.alloc(65_535, 2)];
  const [key, identity] = [Buffer.alloc(255), Buffer.alloc(512)];
  const parts = { key, identity, aadForm: 'full', aad, metadata: Buffer.alloc(255) } as const;
  const request = { kind: 'encrypt', ...parts, plaintext, verify: true } as const;
  t.deepEqual(readRequest(cut(writeRequest({ id: 1, deadline: 1, request }))).request, request);
});

/** Runs `read`; anything but a RangeError goes through. */
function survives(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
}

test('random bytes are read as something or refused by RangeError, never anything else', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (array) => {
      const noise = Buffer.from(array);
      survives(() => new FrameCutter().push(noise));
      survives(() => readRequest(noise));
      survives(() => readResponse(noise));
    }),
    { numRuns: 5000 },
  );
  t.pass();
});

test('a frame with one byte altered, removed or added is read or refused by RangeError', (t) => {
  fc.assert(
    fc.property(
      fc.oneof(
        requests.map((request) => writeRequest({ id: 9, deadline: 9, request })),
        answers.map((answer) => writeResponse({ id: 9, microseconds: 9, learning: false, answer })),
      ),
      fc.nat(),
      fc.nat(255),
      (written, at, value) => {
        const frame = cut(written);
        const place = at % frame.length;
        const altered = Buffer.from(frame);
        altered[place] = value;
        for (const damaged of [altered, frame.subarray(0, place), Buffer.concat([frame, altered])])
          for (const read of [readRequest, readResponse]) survives(() => read(damaged));
        t.throws(() => readRequest(Buffer.concat([frame, Buffer.from([0])])), { instanceOf: RangeError });
      },
    ),
    { numRuns: 500 },
  );
});

test('a reader that is asked for more than there is says so by RangeError', (t) => {
  for (const read of ['u8', 'u32', 'f64', 'flag', 'bytes', 'text'] as const)
    t.throws(() => new FrameReader(Buffer.alloc(0))[read](), { instanceOf: RangeError }, read);
});
