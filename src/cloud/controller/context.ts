import type { Logger } from '../../log.ts';
import type { AwsClients } from '../aws/clients.ts';
import type { ReadingContext, VaultContext } from '../../vault/context.ts';

/** What acts that reach into AWS work with. */
export interface AwsContext extends VaultContext {
  aws: AwsClients;
}

/** One whose log is told what stands in no record: mistakes of our own. */
export interface LoggedAwsContext extends AwsContext {
  log?: Pick<Logger, 'error'>;
}

/** One that writes nothing: what asks AWS for something, and looks up what for. */
export interface ReadingAwsContext extends ReadingContext {
  aws: AwsClients;
}

export function reading(context: AwsContext): ReadingAwsContext {
  return { ...context, store: { db: context.store.db } };
}
