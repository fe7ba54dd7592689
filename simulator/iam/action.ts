import type { House } from '../house.ts';
import type { SimulatedCall } from '../service.ts';
import type { IamState } from './iam-state.ts';
import type { Parameters } from './parameters.ts';

/** What each action of IAM works with. */
export interface IamCall {
  readonly call: SimulatedCall;
  readonly parameters: Parameters;
  readonly state: IamState;
  readonly house: House;
  readonly accountId: string;
}

/** The members of `<ActionResult>`; nothing where the API answers with none. */
export type IamAction = (iam: IamCall) => Readonly<Record<string, unknown>> | undefined;
