import { z } from 'zod';

/** Which of several appliances this is, as its configuration says. */
export const shownEnvironment = z
  .strictObject({
    label: z.string().describe('Such as `PRODUCTION`.'),
    color: z.enum(['red', 'amber', 'green', 'blue', 'grey']),
  })
  .nullable()
  .describe(
    'Which of several appliances this is (`admin.environment`); null if the configuration does not say.',
  );
