import type { PropertyFilterProps } from '@cloudscape-design/components/property-filter';
import { filterTexts as t } from '../texts/filter.ts';

export const filterTexts: PropertyFilterProps.I18nStrings = t;
