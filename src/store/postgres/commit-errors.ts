import type { Session } from './session.ts';

/** Whether a transaction was done is not known: the connection was lost after COMMIT was sent. */
export class CommitInDoubt extends Error {
  readonly session: Session;

  constructor(session: Session, cause: unknown) {
    super('the connection to the database was lost during COMMIT', { cause });
    this.name = 'CommitInDoubt';
    this.session = session;
  }
}

/** It is done on this server, and may be lost with it. */
export class CommitNotCertain extends Error {
  constructor(why: string) {
    super(why);
    this.name = 'CommitNotCertain';
  }
}
