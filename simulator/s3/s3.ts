import type { House } from '../house.ts';
import { commonError } from '../protocol.ts';
import type { Reply, Service, SimulatedCall } from '../service.ts';

export class SimulatedS3 implements Service {
  readonly name = 's3';

  // oxlint-disable-next-line no-useless-constructor
  constructor(_house: House, _kms: unknown) {}

  async handle(call: SimulatedCall): Promise<Reply> {
    throw commonError('s3', 'not-done', `The simulator does not do ${call.action}`);
  }
}
