import type { Theme } from '@cloudscape-design/components/theming';

/*
 * Cloudscape in our colours: at home beside AWS's console, and not to be taken for it. Every pair of text and ground has a
 * contrast of 4.5 or more (WCAG 2.2 AA) in both modes.
 */

const accent = { light: '#0b6b62', dark: '#5fd3c4' };
const accentDeeper = { light: '#084f49', dark: '#8be4d8' };

export const theme = {
  tokens: {
    colorBackgroundButtonPrimaryDefault: accent,
    colorBackgroundButtonPrimaryHover: accentDeeper,
    colorBackgroundButtonPrimaryActive: accentDeeper,
    colorBorderButtonPrimaryDefault: accent,
    colorBorderButtonPrimaryHover: accentDeeper,
    colorBorderButtonPrimaryActive: accentDeeper,
    colorTextButtonPrimaryDefault: { light: '#ffffff', dark: '#06231f' },
    colorTextButtonPrimaryHover: { light: '#ffffff', dark: '#06231f' },
    colorTextButtonPrimaryActive: { light: '#ffffff', dark: '#06231f' },
    colorBorderButtonNormalDefault: accent,
    colorBorderButtonNormalHover: accentDeeper,
    colorBorderButtonNormalActive: accentDeeper,
    colorTextButtonNormalDefault: accent,
    colorTextButtonNormalHover: accentDeeper,
    colorTextButtonNormalActive: accentDeeper,
    colorTextLinkDefault: accent,
    colorTextLinkHover: accentDeeper,
    colorTextAccent: accent,
    colorTextInteractiveHover: accentDeeper,
    colorBorderItemFocused: accent,
    colorBorderItemSelected: accent,
    colorBorderInputFocused: accent,
    colorBackgroundControlChecked: accent,
    colorForegroundControlDefault: { light: '#ffffff', dark: '#06231f' },
    colorBackgroundItemSelected: { light: '#e9f6f4', dark: '#0d2b28' },
    colorBackgroundSegmentActive: accent,
    colorBackgroundToggleButtonNormalPressed: { light: '#d6eeea', dark: '#123a35' },
  },
} satisfies Theme;
