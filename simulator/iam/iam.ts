import type { House } from '../house.ts';
import { commonError } from '../protocol.ts';
import type { Reply, Service, SimulatedCall } from '../service.ts';

export class SimulatedIam implements Service {
  readonly name = 'iam';

  // oxlint-disable-next-line no-useless-constructor
  constructor(_house: House) {}

  async handle(call: SimulatedCall): Promise<Reply> {
    throw commonError('iam', 'not-done', `The simulator does not do ${call.action}`);
  }
}
