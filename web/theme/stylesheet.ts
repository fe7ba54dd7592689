import { generateThemeStylesheet } from '@cloudscape-design/components/theming';
import { theme } from './theme.ts';

/** Run at build time alone (build-plugin.ts). */
export const stylesheet = (): string => generateThemeStylesheet({ theme });
