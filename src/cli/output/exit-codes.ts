/** Exit codes that mean something (sysexits.h, where it has one). Several meanings may share one. */
export const exitCodes = {
  /** `holdfast doctor` or `holdfast request unexplained` has found one, or `holdfast status` what needs attention. */
  problemFound: 1,
  /** What was asked for is done, and not in force on every node yet, or not certain on the database's standby. */
  notYetEverywhere: 3,
  /** Whether what was asked for was done is not known. */
  inDoubt: 4,
  usage: 64,
  /** A file that was given is not what it should be. */
  data: 65,
  notFound: 66,
  tokenUnavailable: 69,
  unreachable: 69,
  /** Nothing was done. */
  storeUnavailable: 69,
  internal: 70,
  conflict: 73,
  /** What was to be printed or kept in a file could not be written. */
  output: 74,
  /** Somebody else changed the record meanwhile (412). */
  precondition: 73,
  rateLimited: 75,
  /** A token refused its PIN: starting again would try it again, and tokens lock themselves. */
  pinRefused: 77,
  /** Not signed in, or not allowed to. */
  refused: 77,
  configuration: 78,
  /** Whoever reads the output has closed it (128 + SIGPIPE). */
  closedPipe: 141,
} as const;
