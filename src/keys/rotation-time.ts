/*
 * When CloudKeys are rotated. Days are exactly 24 hours in UTC: no clock change makes one longer. Pure functions of
 * what they are given, so that every case can be tried.
 */

const day = 86_400_000;

/** Days between rotations of a CloudKey: its own schedule, or its key set's; null for never. */
export function rotationDays(
  key: { rotation: 'INHERIT' | 'NEVER' | 'DAYS'; rotation_days: number | null },
  keySet: { rotation_days: number | null },
): number | null {
  switch (key.rotation) {
    case 'INHERIT':
      return keySet.rotation_days;
    case 'NEVER':
      return null;
    case 'DAYS':
      return key.rotation_days;
  }
}

/**
 * When a rotation is due by a schedule that was given or changed just now: so many days after the last one. Where that
 * has passed it is due now, not in the past; where the last one lies in the future, since a clock stood wrong, so many
 * days from now.
 */
export function nextRotation(rotatedAt: Date, days: number | null, now: Date): Date | null {
  if (days === null) return null;
  const due = rotatedAt.getTime() + days * day;
  return new Date(Math.min(Math.max(due, now.getTime()), now.getTime() + days * day));
}

/**
 * When the next rotation is due once one was done. One that was due keeps the schedule's time of day: the next is the
 * first of `due` + k · days after now, so that however long nobody was there, one rotation makes up for all. One that was
 * not due begins the schedule anew.
 */
export function rotationAfter(due: Date | null, days: number | null, now: Date): Date | null {
  if (days === null) return null;
  const step = days * day;
  if (due === null || due.getTime() > now.getTime()) return new Date(now.getTime() + step);
  const passed = Math.floor((now.getTime() - due.getTime()) / step);
  return new Date(due.getTime() + (passed + 1) * step);
}

/** Of a due time further off than the schedule can make it, since a clock stood in the future, the furthest it can. */
export function cappedRotation(due: Date, days: number, now: Date): Date {
  return new Date(Math.min(due.getTime(), now.getTime() + days * day));
}
