/** The row of `leases` while which lasts nothing is deleted that cannot be brought back, and how long a new one lasts. */
export const deletionHold = { lease: 'no deletions', milliseconds: 24 * 60 * 60 * 1000 } as const;
