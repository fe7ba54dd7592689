import { ServiceError } from '../service-error.ts';

/** KMS's faults of the client are all 400; `KMSInternalException` and `DependencyTimeoutException` are 500. */
export function kmsError(code: string, message: string): ServiceError {
  return new ServiceError(
    code,
    code === 'KMSInternalException' || code === 'DependencyTimeoutException' ? 500 : 400,
    message,
  );
}

export function validation(message: string): ServiceError {
  return kmsError('ValidationException', message);
}

/** For what KMS has and the simulator has not. */
export function notDone(what: string): ServiceError {
  return kmsError('UnsupportedOperationException', `The simulator does not do this: ${what}`);
}
