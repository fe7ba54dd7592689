import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Accounts } from './accounts.ts';
import { AuthFault } from './auth-fault.ts';
import { Call } from './call.ts';
import type { CloudTrail } from './cloud-trail.ts';
import type { Faults, FaultRule } from './faults.ts';
import { makeRequestId } from './ids.ts';
import { authError, commonError, encodeError, encodeReply, type Answer } from './protocol.ts';
import { BodyTooLarge, readRequest } from './request.ts';
import { routeOf } from './route.ts';
import { ServiceError } from './service-error.ts';
import type { HttpRequest, Service, ServiceName, SimulatedCall } from './service.ts';
import { verifySignature } from './signature.ts';
import { recordOf } from './trail-of-call.ts';

/** A fault that strikes the connection and not the answer. */
class Cut extends Error {
  readonly kind: 'reset' | 'hang';

  constructor(kind: 'reset' | 'hang') {
    super(kind);
    this.kind = kind;
  }
}

/** From a request to its answer: route, signature, faults, the service, CloudTrail. */
export class Front {
  readonly #services: ReadonlyMap<ServiceName, Service>;
  readonly #accounts: Accounts;
  readonly #faults: Faults;
  readonly #trail: CloudTrail;
  readonly #now: () => Date;
  readonly #log: (line: string) => void;
  readonly #closing: AbortSignal;

  constructor(parts: {
    services: readonly Service[];
    accounts: Accounts;
    faults: Faults;
    trail: CloudTrail;
    now: () => Date;
    log: (line: string) => void;
    closing: AbortSignal;
  }) {
    this.#services = new Map(parts.services.map((service) => [service.name, service]));
    this.#accounts = parts.accounts;
    this.#faults = parts.faults;
    this.#trail = parts.trail;
    this.#now = parts.now;
    this.#log = parts.log;
    this.#closing = parts.closing;
  }

  async answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
    let request: HttpRequest;
    try {
      request = await readRequest(message);
    } catch (error) {
      if (!(error instanceof BodyTooLarge)) throw error;
      const refusal = new ServiceError('EntityTooLarge', 400, error.message);
      send(message, response, encodeError('s3', refusal, makeRequestId()), this.#now());
      return;
    }
    try {
      const { answer, lost } = await this.#serve(request, message.socket.remoteAddress ?? '');
      if (lost) message.socket.destroy();
      else send(message, response, answer, this.#now());
    } catch (error) {
      if (!(error instanceof Cut)) throw error;
      // `hang`: the socket stays open until the client, or the simulator's end, closes it.
      if (error.kind === 'reset') message.socket.destroy();
    }
  }

  async #serve(request: HttpRequest, sourceAddress: string): Promise<{ answer: Answer; lost: boolean }> {
    const route = routeOf(request);
    const service = this.#services.get(route.service);
    if (service === undefined) throw new Error(`The simulator has no service ${route.service}`);
    const at = this.#now();
    let call: Call;
    try {
      const verified = verifySignature(request, route.service, this.#accounts, at);
      verified.credential.used?.(route.service, verified.region, at);
      const seen = service.prepare?.(verified.request) ?? verified.request;
      call = new Call({
        ...{ service: route.service, input: route.input, sourceAddress, at },
        action: service.actionOf?.(seen) ?? route.action,
        credential: verified.credential,
        region: verified.region,
        request: seen,
        run: async (inner, work) => await this.#runForService(inner, work),
      });
    } catch (error) {
      if (!(error instanceof AuthFault)) throw error;
      return {
        answer: encodeError(route.service, authError(route.service, error), makeRequestId()),
        lost: false,
      };
    }
    try {
      const { value, lost } = await this.#run(call, async () => {
        if (route.problem !== undefined)
          throw new ServiceError(
            route.service === 'kms' ? 'ValidationException' : 'ValidationError',
            400,
            route.problem,
          );
        return await service.handle(call);
      });
      return { answer: encodeReply(route.service, call.action, value, call.requestId), lost };
    } catch (error) {
      if (error instanceof Cut) throw error;
      return {
        answer: encodeError(route.service, this.#asServiceError(route.service, error), call.requestId),
        lost: false,
      };
    }
  }

  /** A connection between two services that is cut shows to the caller as an error of the second. */
  async #runForService<T>(call: SimulatedCall, work: (call: SimulatedCall) => Promise<T>): Promise<T> {
    try {
      const { value, lost } = await this.#run(call, work);
      if (!lost) return value;
    } catch (error) {
      if (!(error instanceof Cut)) throw error;
    }
    throw commonError(call.service, 'internal', 'The answer was lost on its way to the service that called');
  }

  /** Faults before and after the work, and one CloudTrail record of it. */
  async #run<T>(
    call: SimulatedCall,
    work: (call: SimulatedCall) => Promise<T>,
  ): Promise<{ value: T; lost: boolean }> {
    const fault = this.#faults.strike({
      service: call.service,
      action: call.action,
      accessKeyId: call.principal.accessKeyId,
      tries: call.http.headers.get('amz-sdk-request'),
    });
    try {
      if (fault !== undefined) await this.#before(fault, call);
      const value = await work(call);
      this.#trail.add(recordOf(call));
      if (fault?.isDone === true) await fault.until?.();
      return { value, lost: fault?.kind === 'answer-lost' };
    } catch (error) {
      if (error instanceof Cut) throw error;
      this.#trail.add(recordOf(call, this.#asServiceError(call.service, error)));
      throw fault?.kind === 'answer-lost' ? new Cut('reset') : error;
    }
  }

  async #before(fault: FaultRule, call: SimulatedCall): Promise<void> {
    if (fault.kind === 'reset' || fault.kind === 'hang') throw new Cut(fault.kind);
    if (fault.kind === '500')
      throw commonError(call.service, 'internal', 'A fault rule of the simulator: 500');
    if (fault.kind === 'throttle') throw commonError(call.service, 'throttle', 'Rate exceeded');
    if (fault.kind === 'denied')
      throw commonError(
        call.service,
        'denied',
        `User: ${call.principal.arn} is not authorized to perform: ${call.service}:${call.action} because of a fault rule of the simulator`,
      );
    if (fault.kind === 'error') {
      const {
        code = 'InternalFailure',
        status = 400,
        message = 'A fault rule of the simulator',
      } = fault.error ?? {};
      throw new ServiceError(code, status, message);
    }
    if (fault.kind !== 'slow' || fault.isDone === true) return;
    if (fault.until === undefined)
      await delay(fault.delayMs ?? 0, undefined, { signal: this.#closing }).catch(() => undefined);
    else await fault.until();
  }

  #asServiceError(service: ServiceName, error: unknown): ServiceError {
    if (error instanceof ServiceError) return error;
    this.#log(
      `${service}: fault of the simulator: ${error instanceof Error ? (error.stack ?? '') : 'unknown'}`,
    );
    return commonError(service, 'internal', 'The simulator has a fault; its log says which');
  }
}

/** The Date is the simulator's own: clients set their clocks by it after a refused signature. */
function send(message: IncomingMessage, response: ServerResponse, answer: Answer, now: Date): void {
  response.writeHead(answer.status, {
    Date: now.toUTCString(),
    ...(answer.status === 204 || answer.status === 304 ? {} : { 'Content-Length': answer.body.length }),
    ...answer.headers,
  });
  response.end(message.method === 'HEAD' ? undefined : answer.body);
}
