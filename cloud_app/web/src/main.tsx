import { render } from 'preact';
import { App } from './app/App';
import { preferredLanguage, setLanguage } from './i18n';
import './theme/tokens.css';
import './theme/base.css';
import './theme/theme';
import './components/controls.css';
import './components/components.css';
import './app/shell.css';

await setLanguage(preferredLanguage(localStorage.getItem('language'), navigator.languages), false);
const root = document.getElementById('app');
if (!root) throw new Error('expected an element #app');
root.replaceChildren();
render(<App />, root);
