import type { WizardProps } from '@cloudscape-design/components/wizard';
import { parts } from '../texts/parts.ts';

/** Of a wizard, by what its last button does and what its steps are named for screen readers. */
export function wizardTexts(act: string, navigation: string): WizardProps.I18nStrings {
  return {
    stepNumberLabel: parts.step,
    optional: parts.optional,
    collapsedStepsLabel: (number, count) => `${number} / ${count}`,
    navigationAriaLabel: navigation,
    cancelButton: parts.cancel,
    previousButton: parts.back,
    nextButton: parts.next,
    submitButton: act,
  };
}
