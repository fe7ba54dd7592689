/* A token or HSM that is not asked any more, once it is erased. */
export const erased = {
  record: 'Record as erased',
  title: (name: string) => `Record that ${name} is erased`,
  why: 'Erase it first, by its vendor’s means. From then on every key version that was left in it and is to be destroyed counts as destroyed.',
  forGood:
    'This cannot be taken back. If a key object is left in it after all, a key that is on record as destroyed can still be used by whoever has the HSM.',
  done: (name: string) => `${name} is on record as erased`,
} as const;
