import type { House } from '../house.ts';
import { commonError } from '../protocol.ts';
import type { Reply, Service, SimulatedCall } from '../service.ts';

export class SimulatedSts implements Service {
  readonly name = 'sts';

  // oxlint-disable-next-line no-useless-constructor
  constructor(_house: House, _iam: unknown) {}

  async handle(call: SimulatedCall): Promise<Reply> {
    throw commonError('sts', 'not-done', `The simulator does not do ${call.action}`);
  }
}
