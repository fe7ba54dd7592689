import { z } from 'zod';

/* Values that more than one part of the configuration has. */

export const milliseconds = z.number().int().positive();
/** "" is always a mistake, such as that of a template whose variable was empty. */
const filled = () => z.string().refine((value) => /\S/.test(value), 'must not be empty');
export const text = filled();
export const file = filled();
