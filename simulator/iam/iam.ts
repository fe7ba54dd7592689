import type { Credential, PrincipalSource } from '../accounts.ts';
import type { House } from '../house.ts';
import { commonError } from '../protocol.ts';
import type { Reply, Service, SimulatedCall } from '../service.ts';
import { accessKeyActions } from './access-keys.ts';
import type { IamAction } from './action.ts';
import { IamState, type AccessKey } from './iam-state.ts';
import { inlinePolicyActions } from './inline-policies.ts';
import { Parameters } from './parameters.ts';
import { principalOfUser } from './principals.ts';
import { roleActions } from './roles.ts';
import { simulatePrincipalPolicy } from './simulate.ts';
import { isUserSession } from './user-sessions.ts';
import { userActions } from './users.ts';

/** What the simulator does of IAM's API of 2010-05-08. */
const ACTIONS: ReadonlyMap<string, IamAction> = new Map(
  Object.entries({
    ...userActions,
    ...roleActions,
    ...inlinePolicyActions,
    ...accessKeyActions,
    SimulatePrincipalPolicy: simulatePrincipalPolicy,
  }),
);

export class SimulatedIam implements Service, PrincipalSource {
  readonly name = 'iam';
  readonly state: IamState;
  readonly #house: House;

  constructor(house: House) {
    this.#house = house;
    this.state = new IamState(house.accounts, house.consistency);
    house.accounts.addSource(this);
  }

  async handle(call: SimulatedCall): Promise<Reply> {
    if (isUserSession(call.principal))
      throw commonError('iam', 'denied', 'Credentials of GetSessionToken without MFA cannot call IAM');
    const action = ACTIONS.get(call.action);
    if (action === undefined)
      throw commonError('iam', 'not-done', `The simulator does not do ${call.action} of IAM`);
    const parameters = new Parameters(call.input);
    call.trail.requestParameters = parameters.forTrail();
    const { state } = this;
    const output = action({ call, parameters, state, house: this.#house, accountId: call.accountId });
    return output === undefined ? {} : { output };
  }

  credential(accessKeyId: string): Credential | undefined {
    for (const [accountId, { users }] of this.state.all())
      for (const user of users) {
        const known = user.accessKeys.find((key) => key.id === accessKeyId);
        // One that was just deleted or made inactive is good for a while.
        for (const key of known?.status === 'Active' ? [known] : this.state.accessKeysOf(user))
          if (key.id === accessKeyId && key.status === 'Active' && this.#isKnown(key))
            return {
              ...{ accessKeyId, secretAccessKey: key.secret },
              partition: this.#house.accounts.find(accountId)?.partition ?? 'aws',
              principal: principalOfUser(this.state, accountId, user, accessKeyId),
              used: (service, region, at) => {
                const since = key.lastUsed?.since ?? new Date(this.#house.consistency.now()).toISOString();
                key.lastUsed = { at: at.toISOString(), service, region, since };
              },
            };
      }
    return undefined;
  }

  #isKnown({ createdAt, unknownFrom = createdAt, knownFrom }: AccessKey): boolean {
    const made = Date.parse(unknownFrom);
    return this.#house.consistency.hasSpread(made, Date.parse(knownFrom) - made);
  }

  exists(arn: string): boolean {
    return this.state
      .all()
      .some(
        ([accountId, { users, roles }]) =>
          users.some((user) => this.state.userArn(accountId, user) === arn && this.state.sees(user)) ||
          roles.some((role) => this.state.roleArn(accountId, role) === arn && this.state.sees(role)),
      );
  }

  save(): unknown {
    return this.state.save();
  }

  load(saved: unknown): void {
    this.state.load(saved);
  }
}
