import type { House } from '../house.ts';
import type { KmsForServices } from '../kms-for-services.ts';
import type { HttpRequest, Reply, Service, SimulatedCall } from '../service.ts';
import type { S3Action } from './action.ts';
import { assertHeadersKnown } from './known-headers.ts';
import { actionOf, addressOf, withHoistedHeaders, type Address } from './address.ts';
import { bucketActions } from './buckets.ts';
import { notDone } from './errors.ts';
import { bucketSettingActions } from './bucket-settings.ts';
import { copyObject } from './copy-objects.ts';
import { deleteObjects } from './delete-objects.ts';
import { listObjects, listObjectsV2 } from './list-objects.ts';
import { listMultipartUploads, listParts } from './list-uploads.ts';
import { partActions } from './upload-parts.ts';
import { uploadActions } from './uploads.ts';
import { ObjectKeys } from './object-keys.ts';
import { objectActions } from './objects.ts';
import { S3State } from './s3-state.ts';
import { taggingActions } from './tagging.ts';

/** What the simulator does of S3. */
const ACTIONS: ReadonlyMap<string, S3Action> = new Map(
  Object.entries({
    ...{ ...bucketActions, ...bucketSettingActions, ...objectActions, ...partActions, ...uploadActions },
    ...taggingActions,
    ListObjects: listObjects,
    ListObjectsV2: listObjectsV2,
    ListMultipartUploads: listMultipartUploads,
    ListParts: listParts,
    CopyObject: copyObject,
    DeleteObjects: deleteObjects,
  }),
);

interface Saved {
  readonly ownKey: unknown;
  readonly buckets: unknown;
}

export class SimulatedS3 implements Service {
  readonly name = 's3';
  readonly #house: House;
  readonly #state = new S3State();
  readonly #keys: ObjectKeys;

  constructor(house: House, kms: KmsForServices) {
    this.#house = house;
    this.#keys = new ObjectKeys(kms, house.options.time?.bucketKeyMs);
  }

  prepare(request: HttpRequest): HttpRequest {
    return withHoistedHeaders(request);
  }

  actionOf(request: HttpRequest): string {
    return actionOf(request, this.#addressOf(request));
  }

  async handle(call: SimulatedCall): Promise<Reply> {
    const address = this.#addressOf(call.http);
    const action = ACTIONS.get(call.action);
    if (action === undefined) throw notDone(call.action);
    assertHeadersKnown(call.http);
    call.trail.requestParameters = {
      ...(address.bucket === '' ? {} : { bucketName: address.bucket }),
      ...(address.key === '' ? {} : { key: address.key }),
      Host: call.http.headers.get('host') ?? '',
    };
    return await action({ call, address, state: this.#state, keys: this.#keys, house: this.#house });
  }

  save(): unknown {
    return { ownKey: this.#keys.save(), buckets: this.#state.save() } satisfies Saved;
  }

  load(saved: unknown): void {
    const { ownKey, buckets } = saved as Saved;
    this.#keys.load(ownKey);
    this.#state.load(buckets);
  }

  #addressOf(request: HttpRequest): Address {
    return addressOf(request, this.#house.options.hostNames ?? []);
  }
}
