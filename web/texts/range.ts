/* From when to when. */

export const rangeTexts = {
  label: 'When',
  all: 'All times',
  noDates: 'Choose the first and the last day.',
  backwards: 'The end is before the start.',
  noSpan: 'A whole number from 1 to 99999.',
  picker: {
    relativeModeTitle: 'Until now',
    absoluteModeTitle: 'From … to',
    isoDateTimeConstraintText: 'In your time zone: YYYY-MM-DD, and 24-hour hh:mm:ss.',
  },
} as const;
