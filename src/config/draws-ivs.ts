import type { Profile } from './profile.ts';

/** Whether no two of such tokens ever make the same IV under one key but by chance: they draw it at random, all of it. */
export function drawsIvs({ iv }: Pick<Profile, 'iv'>): boolean {
  return iv.mode === 'caller' || iv.random;
}
