// Logging in, and setting a password with a link from a mail.

import { byId } from './shared/dom.js';

const told = byId('told');

/** @param {string} path @param {unknown} body */
const post = (path, body) =>
  fetch(`api/v1/${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });

/** What an answer says is wrong. @param {Response} response */
async function fault(response) {
  const { detail } = await response.json();
  return typeof detail === 'string' ? detail : detail[0].msg;
}

/** @param {string} id @returns {HTMLInputElement} */
const field = (id) => byId(id);

async function logIn() {
  const code = field('code').value.trim();
  const typed = { email: field('email').value, password: field('password').value };
  const response = await post('login', code ? { ...typed, code } : typed);
  if (response.ok) {
    location.assign('./');
    return;
  }
  const answer = await response.clone().json();
  if (answer.code_needed) {
    byId('code-row').hidden = false;
    field('code').focus();
  }
  told.textContent = await fault(response);
}

async function sendReset() {
  const email = field('email');
  if (!email.reportValidity()) return;
  const response = await post('password-resets', { email: email.value });
  told.textContent = response.ok
    ? 'If this address has an account, a mail with a link is on its way.'
    : await fault(response);
}

/** @param {string} kind @param {string} secret */
async function setPassword(kind, secret) {
  const response = await post(`links/${kind}`, { secret, password: field('new').value });
  if (!response.ok) {
    told.textContent = await fault(response);
    return;
  }
  field('email').value = (await response.json()).email;
  history.replaceState(null, '', location.pathname);
  await showLogin('Your password is set. Log in with it.');
}

/** @param {string} [text] */
async function showLogin(text = '') {
  byId('set-password').hidden = true;
  byId('log-in').hidden = false;
  told.textContent = text;
  const ways = await (await fetch('api/v1/login')).json();
  byId('forgot').hidden = !ways.mail;
  const provider = byId('provider');
  provider.hidden = !ways.provider;
  provider.textContent = ways.provider?.label ?? '';
  field(field('email').value ? 'password' : 'email').focus();
}

/** @param {string} id @param {() => Promise<void>} task */
function onSubmit(id, task) {
  byId(id).addEventListener('submit', (/** @type {Event} */ event) => {
    event.preventDefault();
    task().catch(() => {
      told.textContent = 'The service does not answer. Try again in a moment.';
    });
  });
}

const link = /^#(invitation|reset)=(.+)$/.exec(location.hash);
onSubmit('log-in', logIn);
byId('forgot').addEventListener('click', sendReset);
if (link) {
  onSubmit('set-password', () => setPassword(link[1], decodeURIComponent(link[2])));
  byId('set-password').hidden = false;
  told.textContent = link[1] === 'reset' ? 'Set a new password.' : 'Welcome. Set a password to begin.';
} else {
  showLogin();
}
