/** What the doctor found of an external key store. */
export const doctor = {
  title: 'Doctor',
  why: 'What holdfast doctor found last, from DNS to a decrypted plaintext. Run it on a machine that reaches the endpoint as AWS does: the node itself never connects to it.',
  never: 'Nobody has run it for this external key store.',
  looked: (by: string, hostname: string, endpoint: string) =>
    `Run by ${by} on ${hostname} against ${endpoint},`,
  elsewhere: (endpoint: string) => `The endpoint is ${endpoint} now: run it again.`,
  nothing: 'Nothing stands in AWS’s way',
  nothingSeen: 'No check was made',
  skipped: (n: number) =>
    `No problem in what was checked; ${n === 1 ? '1 check was' : `${n} checks were`} skipped`,
  rest: (n: number) => (n === 1 ? '1 more that needs no attention' : `${n} more that need no attention`),
  run: 'Run it: what it finds is shown here',
  again: 'Run it again: what it finds is shown here',
} as const;
