/**
 * The worker of worker-group.test.ts: tells of each message that is an answer by one of its own, and ends where it is told to drain. Its
 * first ask has the number 1, as that of every worker.
 */
process.on('message', ({ kind }: { kind: string }) => {
  if (kind === 'start') {
    process.send?.({ kind: 'listening', port: 1 });
    process.send?.({ kind: 'node-facts', id: 1 });
  } else if (kind === 'node-facts')
    process.send?.({ kind: 'verify-token', id: 1, token: 'answered', member: 'm' });
  else if (kind === 'ticket-keys')
    process.send?.({ kind: 'verify-token', id: 1, token: 'marked', member: 'm' });
  else if (kind === 'drain') process.exit(0);
});
