import { expect, vi } from 'vitest';
import type { TestApp } from './create-test-app.js';

type Account = Awaited<ReturnType<TestApp['register']>>;

const INVITATION_LINK = /\/account\/invitation#token=([\w-]+)/;
const WAIT = { timeout: 10_000, interval: 10 };

interface Invitation {
  /** Of an owner. */
  token: string;
  projectId: string;
  role: string;
}

/** Invites an address. @returns the invitation as the API shows it */
export async function invite(app: TestApp, email: string, { token, projectId, role }: Invitation) {
  const path = `/v1/projects/${projectId}/members`;
  const { status, body } = await app.request('POST', path, { token, body: { email, role } });
  expect(status).toBe(201);
  return body;
}

/**
 * The token in the newest invitation to an address. Where tests run jobs side by side, the mail may be in the hands of
 * another's `runJobs()`, so that it comes a moment after this one's has ended.
 */
export async function mailedToken(app: TestApp, email: string): Promise<string> {
  await app.runJobs();
  return vi.waitFor(() => {
    const tokens = app.mails
      .filter(({ to }) => to === email)
      .map(({ text }) => INVITATION_LINK.exec(text)?.[1]);
    const token = tokens.findLast((found) => found !== undefined);
    if (token === undefined) throw new Error(`There is no invitation for ${email}.`);
    return token;
  }, WAIT);
}

export const accept = (app: TestApp, account: Pick<Account, 'token'>, token: unknown) =>
  app.request('POST', '/v1/invitations/accept', { token: account.token, body: { token } });

/** A new account that becomes a member as people do: by the token in its mail. */
export async function joinProject(app: TestApp, invitation: Invitation, name?: string): Promise<Account> {
  const account = await app.register(name);
  await invite(app, account.email, invitation);
  const { status } = await accept(app, account, await mailedToken(app, account.email));
  expect(status).toBe(200);
  return account;
}
