/* The log of the nodes beside CloudTrail's records. */
export const cloudtrail = {
  title: 'Compare with CloudTrail',
  why: 'AWS KMS leaves a record in CloudTrail of whatever it asks a key store for. A request in the log of a node that CloudTrail knows nothing of was sent by somebody else, who has an XKS credential.',
  trails: 'CloudTrail',
  trailsWhy:
    'Files as CloudTrail delivers them, or answers of “aws cloudtrail lookup-events”: of each account and Region of your KMS keys, from before the log begins until at least a quarter of an hour after it ends.',
  logs: 'Log of the nodes',
  logsWhy: 'JSON lines, of every node. The files are read in this browser and sent nowhere.',
  compare: 'Compare',
  comparing: 'Comparing',
  clean: 'CloudTrail knows of every request',
  cleanNotAll: 'CloudTrail knows of every request that could be compared',
  unexplained: (n: string) => `Requests that CloudTrail knows nothing of: ${n}`,
  unexplainedWhy:
    'Find out who holds the credential that signed them. Rotate the credential, and withdraw it: from then on nothing that is signed with it is served.',
  notInLog: (n: string) => `Done according to CloudTrail, and not in the log: ${n}`,
  notInLogWhy:
    'Is the log of each node there, and whole? If so, something else answers as your key store: look at its endpoint in AWS.',
  sampled:
    'The log leaves out requests that succeeded (log.requests): what CloudTrail has and the log has not is not told.',
  requests: 'Encryptions and decryptions in the log',
  explained: 'Known to CloudTrail',
  notCovered: 'Not compared: no record of their account, Region or time',
  covered: 'CloudTrail covers',
  coveredOf: (account: string, region: string, from: string, to: string) =>
    `${account}, ${region}: ${from} to ${to}`,
  found: 'What does not fit',
  nothing: 'Everything fits',
  nothingWhy: 'What was compared is in the log and in CloudTrail.',
  notListed: (n: number) => `Only the first ${n} kinds of each are listed.`,
  where: 'Missing',
  wheres: { unexplained: 'In CloudTrail', notInLog: 'In the log' },
  count: 'Requests',
  operation: 'Operation',
  accessKeyId: 'Access key id',
  first: 'First',
  last: 'Last',
  notRead: (name: string, why: string) => `${name}: ${why}`,
  packed: 'it cannot be decompressed, as it is cut off or damaged.',
  large: (mebibytes: number) => `it is larger than ${mebibytes} MiB: use the command below.`,
  notReadable: 'this browser cannot read it.',
  log: 'Log',
} as const;
