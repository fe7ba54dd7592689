import type { House } from '../house.ts';
import type { KmsForServices } from '../kms-for-services.ts';
import { commonError } from '../protocol.ts';
import type { Reply, Service, SimulatedCall } from '../service.ts';

/** What tests do to KMS from outside its API. */
export interface KmsControls {
  readonly [control: string]: unknown;
}

export class SimulatedKms implements Service, KmsForServices {
  readonly name = 'kms';
  readonly controls: KmsControls = {};

  // oxlint-disable-next-line no-useless-constructor
  constructor(_house: House) {}

  async handle(call: SimulatedCall): Promise<Reply> {
    throw commonError('kms', 'not-done', `The simulator does not do ${call.action}`);
  }

  async generateDataKey(): Promise<{ keyArn: string; plaintext: Buffer; ciphertextBlob: Buffer }> {
    throw commonError('kms', 'not-done', 'The simulator does not do GenerateDataKey');
  }

  async decrypt(): Promise<{ keyArn: string; plaintext: Buffer }> {
    throw commonError('kms', 'not-done', 'The simulator does not do Decrypt');
  }

  async managedKey(): Promise<string> {
    throw commonError('kms', 'not-done', 'The simulator does not make managed keys');
  }
}
