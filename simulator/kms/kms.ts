import type { House } from '../house.ts';
import type { EncryptionContext, KmsForServices } from '../kms-for-services.ts';
import type { Reply, Service, SimulatedCall } from '../service.ts';
import { Connections } from './connections.ts';
import { KmsControls } from './controls.ts';
import { dataKeyFor, decryptFor } from './cryptography.ts';
import { checkEncryptionContext } from './encryption-context.ts';
import { kmsError, notDone } from './errors.ts';
import { removeDeletedKeys } from './find-key.ts';
import type { Kms } from './kms-house.ts';
import { managedKey } from './managed-keys.ts';
import { notSimulated, operations } from './operations.ts';
import { Proxies } from './proxies.ts';
import { Quotas } from './quotas.ts';
import { KmsState } from './state.ts';
import { VpcEndpointServices } from './vpc-endpoint-services.ts';

export type { KmsControls };

/** KMS: AWS JSON 1.1, `X-Amz-Target: TrentService.<action>`. */
export class SimulatedKms implements Service, KmsForServices {
  readonly name = 'kms';
  readonly controls: KmsControls;
  readonly #kms: Kms;

  constructor(house: House) {
    const state = new KmsState();
    const proxies = new Proxies(house);
    const vpcEndpointServices = new VpcEndpointServices();
    const connections = new Connections(house, state, proxies, vpcEndpointServices);
    const reserved = new Set<string>();
    const quotas = new Quotas(() => house.options.time?.quotaSecondMs, house.now);
    this.#kms = {
      ...{ house, state, proxies, vpcEndpointServices, connections, quotas, reserved },
      slowUpdates: false,
    };
    this.controls = new KmsControls(this.#kms);
  }

  async handle(call: SimulatedCall): Promise<Reply> {
    this.#kms.quotas.take(call);
    removeDeletedKeys(this.#kms);
    const operation = Object.hasOwn(operations, call.action) ? operations[call.action] : undefined;
    if (operation !== undefined) {
      const output = await operation(this.#kms, call);
      return output === undefined ? {} : { output };
    }
    if (notSimulated.has(call.action)) throw notDone(`the operation ${call.action} of KMS`);
    throw kmsError('UnknownOperationException', 'KMS has no such operation');
  }

  async generateDataKey(call: SimulatedCall, keyId: string, context: EncryptionContext) {
    removeDeletedKeys(this.#kms);
    checkEncryptionContext(context);
    return dataKeyFor(this.#kms, call, { keyId, context, bytes: 32 });
  }

  async decrypt(call: SimulatedCall, ciphertextBlob: Buffer, context: EncryptionContext) {
    removeDeletedKeys(this.#kms);
    checkEncryptionContext(context);
    return decryptFor(this.#kms, call, { bytes: ciphertextBlob, context });
  }

  async managedKey(call: SimulatedCall, alias: `alias/aws/${string}`): Promise<string> {
    return managedKey(this.#kms, call, alias).arn;
  }

  save(): unknown {
    return this.#kms.state.save();
  }

  load(saved: unknown): void {
    this.#kms.state.load(saved);
  }

  async close(): Promise<void> {
    await this.#kms.connections.close();
  }
}
