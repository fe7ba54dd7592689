/** Another process has taken over what this one held the lease for: nothing more of it is done here. */
export class LostLeaseError extends Error {
  constructor(lease: string) {
    super(`another process has taken over: ${lease}`);
    this.name = 'LostLeaseError';
  }
}
