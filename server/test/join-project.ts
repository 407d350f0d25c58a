import { expect } from 'vitest';
import type { TestApp } from './create-test-app.js';

type Account = Awaited<ReturnType<TestApp['register']>>;

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

/** The token in the newest mail to an address. */
export async function mailedToken(app: TestApp, email: string): Promise<string> {
  await app.runJobs();
  const mail = app.mails.findLast(({ to }) => to === email);
  return /\/account\/invitation#token=([\w-]+)/.exec(mail?.text ?? '')?.[1] ?? 'there is no mail';
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
