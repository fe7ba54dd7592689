import '@cloudscape-design/global-styles/index.css';
import './theme/made.css';
import './frame/styles.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { watch } from './api/watched.ts';
import { App } from './app.tsx';
import { forgetWhenLeft } from './frame/forget-when-left.ts';
import { giveBackFocus } from './frame/give-back-focus.ts';
import { applyPreferences } from './frame/preferences.ts';

applyPreferences();
watch();
giveBackFocus();

const place = document.getElementById('root');
if (place === null) throw new Error('the page has no place for the console');
const root = createRoot(place);
forgetWhenLeft(root);
root.render(
  <StrictMode>
    <App />
  </StrictMode>,
);
