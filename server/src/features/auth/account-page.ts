import { createHash } from 'node:crypto';
import type { AccountPage } from '#platform/mail/account-url.js';

const TITLES: Record<AccountPage, string> = {
  'verify-email': 'Confirm your address',
  'reset-password': 'Choose a new password',
  invitation: 'Accept the invitation',
};

const STYLE = `
:root { color-scheme: light dark; --ink: #111827; --soft: #6b7280; --line: #d1d5db; --paper: #fff; --room: #f3f4f6; --act: #1d4ed8; --bad: #b91c1c }
@media (prefers-color-scheme: dark) { :root { --ink: #f3f4f6; --soft: #9ca3af; --line: #374151; --paper: #111827; --room: #030712; --act: #3b82f6; --bad: #f87171 } }
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 24px; background: var(--room); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, 'Segoe UI', sans-serif }
main { width: 100%; max-width: 420px; padding: 32px; background: var(--paper); border: 1px solid var(--line); border-radius: 16px }
h1 { margin: 0 0 8px; font-size: 22px; line-height: 1.3 }
p { margin: 0 0 20px; color: var(--soft) }
label { display: block; margin-bottom: 16px; font-weight: 600; font-size: 14px }
input { display: block; width: 100%; margin-top: 6px; padding: 10px 12px; font: inherit; color: inherit; background: transparent; border: 1px solid var(--line); border-radius: 8px }
input:focus-visible, button:focus-visible { outline: 2px solid var(--act); outline-offset: 2px }
button { width: 100%; padding: 12px; font: inherit; font-weight: 600; color: #fff; background: var(--act); border: 0; border-radius: 8px; cursor: pointer }
button:disabled { opacity: .6; cursor: default }
[role=alert] { color: var(--bad); min-height: 1.5em; margin: 16px 0 0 }
[hidden] { display: none }
`;

/** The token comes in the fragment, leaves the address bar at once, and goes to the API alone. */
const SCRIPT = `
const token = new URLSearchParams(location.hash.slice(1)).get('token') ?? '';
history.replaceState(null, '', location.pathname);
const page = document.documentElement.dataset.page;
const form = document.querySelector('form');
const button = document.querySelector('button');
const alertLine = document.querySelector('[role=alert]');
const fields = () => Object.fromEntries(new FormData(form));

async function post(path, body, accessToken) {
  const headers = { 'content-type': 'application/json' };
  if (accessToken) headers.authorization = 'Bearer ' + accessToken;
  const reply = await fetch('/v1/' + path, { method: 'POST', headers, body: JSON.stringify(body) });
  const answer = reply.status === 204 ? null : await reply.json();
  if (reply.ok) return answer;
  throw new Error((answer.errors ?? []).map(({ path, message }) => path + ' ' + message).join('. ') || answer.detail);
}

const acts = {
  'verify-email': () => post('auth/verify-email', { token }),
  'reset-password': () => post('auth/password-reset/confirm', { token, password: fields().password }),
  invitation: async () => {
    const { email, password, name } = fields();
    const account = name ? await post('auth/register', { email, password, name }) : await post('auth/login', { email, password });
    await post('invitations/accept', { token }, account.accessToken);
  },
};

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  button.disabled = true;
  alertLine.textContent = '';
  try {
    await acts[page]();
    form.hidden = true;
    document.querySelector('h1').textContent = 'Done';
    document.querySelector('p').textContent = document.documentElement.dataset.done;
  } catch (error) {
    alertLine.textContent = error.message;
    button.disabled = false;
  }
});
if (token === '') {
  alertLine.textContent = 'This address has no token: please open the link of the mail once more.';
  button.disabled = true;
}
`;

const PASSWORD =
  '<label>New password<input name="password" type="password" autocomplete="new-password" minlength="8" maxlength="256" required></label>';
const ACCOUNT =
  '<label>E-mail address<input name="email" type="email" autocomplete="email" required></label>' +
  '<label>Password<input name="password" type="password" autocomplete="current-password" minlength="8" maxlength="256" required></label>' +
  '<label>Name, only if you have no account yet<input name="name" autocomplete="name" maxlength="300"></label>';

const CONTENTS: Record<AccountPage, { says: string; fields: string; action: string; done: string }> = {
  'verify-email': {
    says: 'One click, and we know that this address is yours.',
    fields: '',
    action: 'Confirm the address',
    done: 'Your address is confirmed. You can close this page.',
  },
  'reset-password': {
    says: 'At least 8 characters; a few words that only you would put together are a good one. All devices are signed out.',
    fields: PASSWORD,
    action: 'Set the password',
    done: 'Your password is set. Sign in with it.',
  },
  invitation: {
    says: 'Sign in with the address that was invited. If you have no account yet, fill in your name as well: one is made.',
    fields: ACCOUNT,
    action: 'Accept',
    done: 'You are a member of the project now.',
  },
};

/** The page that a link in a mail opens: it stands alone, and needs nothing but the API. */
export function renderAccountPage(page: AccountPage): string {
  const { says, fields, action, done } = CONTENTS[page];
  return `<!doctype html>
<html lang="en" data-page="${page}" data-done="${done}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="robots" content="noindex"><title>${TITLES[page]} – Botbase</title><style>${STYLE}</style></head>
<body><main><h1>${TITLES[page]}</h1><p>${says}</p><form>${fields}<button>${action}</button></form><div role="alert"></div></main><script>${SCRIPT}</script></body>
</html>
`;
}

/** The page's own style and script, the API of its origin, and nothing else. */
export const ACCOUNT_PAGE_POLICY = [
  "default-src 'none'",
  `script-src ${hashSource(SCRIPT)}`,
  `style-src ${hashSource(STYLE)}`,
  "connect-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** CSP level 3, 2.3.1: an inline script or style that has exactly this content. */
function hashSource(content: string): string {
  return `'sha256-${createHash('sha256').update(content).digest('base64')}'`;
}
