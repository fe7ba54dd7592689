import type { TokenRequestKind } from './messages.ts';

/*
 * The wire form of the messages: requests are written and read in `request-frames.ts`, answers in `response-frames.ts`.
 * Binary, because the hop's price is what the two processes spend on it: no Base64, no JSON, one copy. `frame-bytes.ts`
 * has the fields.
 *
 * frame    = length(u32, of what follows) ‖ id(u32) ‖ code(u8) ‖ fields
 * request  : code = index in `frameKinds`; first field is the deadline (f64, milliseconds of the machine's monotonic clock)
 * response : code = 0 for an answer, 1 for a fault, and 2 more while the host is still to learn where the token's keys
 *            are; first field is the token time (u32, microseconds)
 */

/** By number on the wire. */
export const frameKinds = [
  'encrypt',
  'decrypt',
  'generateKey',
  'destroyKey',
  'inspectKey',
  'findKey',
  'seal',
  'unseal',
  'health',
  'listKeys',
  'reseal',
  'learn',
  'proveKey',
  'makeProof',
  'restrictKey',
] as const satisfies readonly TokenRequestKind[];
