import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AccountPage } from '#platform/mail/account-url.js';
import { type ApiRoute, listApiRoutes, pathOf, sampleOf } from './api-routes.js';
import { invite, joinProject, mailedToken } from './join-project.js';
import { tokenOf } from './mail-tokens.js';
import { type Sent, send } from './refusals.js';
import { type StripeApp, createStripeApp } from './stripe-account.js';
import { type Tenant, bearer, createTenant } from './tenants.js';

/** Routes that write nothing, and those of the chat: turns are conversations, which are kept themselves. */
const NO_ACTS = new Set([
  'POST /v1/projects/{projectId}/search',
  'POST /v1/projects/{projectId}/sources/preview',
  'POST /v1/projects/{projectId}/chat',
  'POST /v1/projects/{projectId}/chat/{messageId}/stop',
]);

/**
 * Jobs must be in a certain state first: `features/admin/jobs.test.ts` looks at their entries. An event of Stripe's is
 * signed, and the act of nobody here: `features/billing/webhook.test.ts` does.
 */
const TRIED_ELSEWHERE = new Set([
  'POST /v1/admin/jobs/{jobId}/retry',
  'POST /v1/admin/jobs/{jobId}/cancel',
  'POST /v1/stripe/webhook',
]);

const PASSWORD = 'correct horse battery';
const tokenFor = (page: AccountPage) =>
  tokenOf(app.mails.findLast(({ text }) => text.includes(`/account/${page}#`)));

interface Special {
  body?: unknown;
  type?: string;
  /** Whose act it is, where it is not the tenant's; null: nobody is known by it. */
  by?: { userId: string | null; token?: string };
  ids?: Record<string, string>;
}

/** What a route needs that its schema does not tell. */
const REQUESTS: Record<string, (tenant: Tenant) => Special> = {
  'POST /v1/auth/register': () => ({
    body: { email: 'new@example.com', password: PASSWORD, name: 'New' },
    by: { userId: expect.any(String) },
  }),
  'POST /v1/auth/login': ({ email }) => ({ body: { email, password: PASSWORD } }),
  'PATCH /v1/auth/me': () => ({ body: { name: 'Changed' } }),
  'DELETE /v1/auth/me': () => ({ by: leaver }),
  'POST /v1/auth/verify-email': () => ({ body: { token: tokenFor('verify-email') } }),
  'POST /v1/auth/password-reset': ({ email }) => ({ body: { email }, by: { userId: null } }),
  'POST /v1/auth/password-reset/confirm': () => ({
    body: { token: tokenFor('reset-password'), password: `${PASSWORD} reset` },
  }),
  'POST /v1/auth/password': () => ({
    body: { currentPassword: PASSWORD, newPassword: `${PASSWORD} changed` },
  }),
  'POST /v1/auth/refresh': ({ refreshToken }) => ({ body: { refreshToken } }),
  'POST /v1/auth/logout': ({ refreshToken }) => ({ body: { refreshToken } }),
  'POST /v1/invitations/accept': () => ({ body: { token: invitationToken }, by: leaver }),
  'POST /v1/projects/{projectId}/transfer': () => ({
    ids: { projectId: spare.projectId },
    body: { userId: spare.heirId },
  }),
  'POST /v1/projects/{projectId}/leads': () => ({ body: { email: 'lead@example.com' } }),
  'POST /v1/projects/{projectId}/erasures': () => ({ body: { email: 'lead@example.com' } }),
  'PATCH /v1/admin/users/{userId}': () => ({ body: { plan: 'pro' }, by: admin }),
  'POST /v1/admin/users/{userId}/credits': () => ({ by: admin }),
  'DELETE /v1/admin/users/{userId}/sessions': () => ({ by: admin }),
  'POST /v1/admin/plans/{plan}/versions': () => ({ body: { price: '51.00' }, by: admin }),
  'POST /v1/admin/add-ons': () => ({ by: admin }),
  'POST /v1/admin/add-ons/{code}/versions': () => ({
    // Not of the one that is bought.
    ids: { code: 'pages-1000' },
    body: { isOffered: false },
    by: admin,
  }),
  'PATCH /v1/billing/account': () => ({ body: { humanTicketCost: '6.50' } }),
  'PATCH /v1/projects/{projectId}': () => ({ body: { name: 'Changed' } }),
  'PATCH /v1/projects/{projectId}/sources/{sourceId}': () => ({ body: { name: 'Changed' } }),
  'POST /v1/projects/{projectId}/messages/{messageId}/feedback': () => ({ body: { rating: 'down' } }),
  'POST /v1/projects/{projectId}/test-sets/{testSetId}/cases/import': () => ({
    type: 'text/csv',
    body: 'question,expectation\nWhere?,answer\n',
  }),
  'PATCH /v1/projects/{projectId}/test-sets/{testSetId}/cases/{caseId}': () => ({
    body: { question: 'Where else?' },
  }),
};

let app: StripeApp;
let tenant: Tenant;
type Account = { userId: string; token: string };
let leaver: Account;
let admin: Account;
let spare: { projectId: string; heirId: string };
let invitationToken: string;
let routes: ApiRoute[];

beforeAll(async () => {
  app = await createStripeApp();
  const invited = await app.register();
  leaver = invited;
  admin = await app.register();
  await app.ctx.db.execute(sql`update users set role = 'admin' where id = ${admin.userId}`);
  tenant = await createTenant(app);
  const offer = { token: tenant.token, projectId: await app.createProject(tenant.token), role: 'editor' };
  spare = { projectId: offer.projectId, heirId: (await joinProject(app, offer)).userId };
  await invite(app, invited.email, offer);
  invitationToken = await mailedToken(app, invited.email);
  const own = tenant.ids['sessionId'];
  await app.request('POST', '/v1/auth/login', { body: { email: tenant.email, password: PASSWORD } });
  const sessions = await app.request('GET', '/v1/auth/sessions', { token: tenant.token });
  tenant.ids['sessionId'] = sessions.body.data.find(({ id }: { id: string }) => id !== own).id;
  routes = (await listApiRoutes(app.server))
    .filter(({ name, method }) => method !== 'GET' && !TRIED_ELSEWHERE.has(name))
    .toSorted(byTurn);
});
afterAll(() => app.close());

/** What others need comes first; things are deleted last, from within outwards; then the sessions end. */
const FIRST = ['/feedback', '/verify-email/resend', '/verify-email'];
const LAST = ['/refresh', '/password', '/password-reset', '/confirm', '/logout'];

function byTurn(a: ApiRoute, b: ApiRoute): number {
  const turnOf = ({ method, path }: ApiRoute) => {
    const place = (ends: string[]) => ends.findIndex((end) => path.endsWith(end));
    if (place(FIRST) >= 0) return place(FIRST) - FIRST.length;
    if (place(LAST) >= 0) return 1_000 + place(LAST);
    return method === 'DELETE' ? 500 - path.length : 0;
  };
  return turnOf(a) - turnOf(b);
}

function requestOf(route: ApiRoute): Sent {
  const made = REQUESTS[route.name]?.(tenant);
  const schema = route.bodies[0];
  const body = made?.body ?? (schema === undefined ? undefined : sampleOf(schema));
  const isCredentialBody = route.access === 'none';
  const headers = {
    'user-agent': 'audit-trail',
    ...(isCredentialBody ? {} : bearer(made?.by?.token ?? tenant.token)),
    ...(body === undefined ? {} : { 'content-type': made?.type ?? 'application/json' }),
  };
  const payload = typeof body === 'string' ? body : JSON.stringify(body);
  const url = pathOf(route, { ...tenant.ids, ...made?.ids });
  return { method: route.method, url, headers, ...(body === undefined ? {} : { payload }) };
}

async function entriesOf(requestId: string) {
  const { rows } = await app.ctx.db.execute(sql`
    select action, actor_id, ip, user_agent, outcome from audit_logs where request_id = ${requestId}`);
  return rows;
}

describe('every act', () => {
  it('is noted with who did it, from where and in which request', async () => {
    expect(routes.length).toBeGreaterThan(50);
    const faults: string[] = [];
    for (const route of routes) {
      const request = requestOf(route);
      const by = REQUESTS[route.name]?.(tenant).by ?? tenant;
      const reply = await send(app, request);
      if (reply.status >= 300) faults.push(`${route.name}: ${reply.status} ${reply.text}`);
      const entries = await entriesOf(String(reply.headers['x-request-id']));
      if (NO_ACTS.has(route.name)) {
        if (entries.length > 0) faults.push(`${route.name}: is noted, and listed as no act`);
        continue;
      }
      if (entries.length === 0) faults.push(`${route.name}: is not noted`);
      for (const entry of entries) {
        expect({ route: route.name, ...entry }).toMatchObject({
          route: route.name,
          actor_id: by.userId,
          ip: '127.0.0.1',
          user_agent: 'audit-trail',
          outcome: 'done',
        });
      }
      await app.runJobs();
    }
    expect(faults).toEqual([]);
  });

  it('leaves no secret and nothing that visitors wrote', async () => {
    const { rows } = await app.ctx.db.execute(sql`select to_jsonb(a)::text as row from audit_logs a`);
    const text = JSON.stringify(rows);
    for (const secret of [tenant.token, tenant.refreshToken, tenant.conversationToken, 'correct horse'])
      expect(text).not.toContain(secret);
    expect(text).not.toContain(`${tenant.canary}@example.com`);
    expect(text).not.toContain('Where else?');
  });
});
