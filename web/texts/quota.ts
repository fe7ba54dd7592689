/* Request quotas. */
export const quotaTexts = {
  of: (rate: number, burst: number) => `${rate} a second, ${burst} at once`,
  burst: 'Largest burst',
  burstWhy: 'Requests that may come at once. Empty for as many as in a second.',
  use: 'Quota use',
  used: (percent: number, refused: number) =>
    refused === 0 ? `${percent} % in the last minute` : `${percent} % in the last minute, ${refused} refused`,
  notNear: 'Not near it',
} as const;
