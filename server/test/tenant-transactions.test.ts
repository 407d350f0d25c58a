import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { schedules } from '#app/schedules.js';
import type { ObservedQuery } from '#platform/database.js';
import { type ApiRoute, listApiRoutes, pathOf, sampleOf } from './api-routes.js';
import { crawlSite } from './crawl-site.js';
import { type TestApp, createTestApp } from './create-test-app.js';
import { eventually } from './eventually.js';
import { type FakeOpenAI, startFakeOpenAI } from './fakes/fake-openai.js';
import { htmlPage, startFakeSite } from './fakes/fake-site.js';
import { joinProject } from './join-project.js';
import { send } from './refusals.js';
import { OWN, type Tenant, bearer, createTenant } from './tenants.js';

const LOOK = /^select .* from "sources" where "sources"\."id" in /;

/**
 * Whatever touches a row of a project does so in a transaction of that project, where a server shows it no other. A
 * statement that is to do without is named here, with why.
 */
const OUTSIDE: { why: string; statements: RegExp[] }[] = [
  {
    why: 'the queue is of all projects: a worker knows a job before it knows whose it is, and holds it by its lease',
    statements: [/^(insert into|update|delete from) "jobs"/],
  },
  {
    why: 'who may do what in which project is only being found out',
    statements: [
      /^select "role" from "project_members" where/,
      /^select .* from "project_invitations" where \("project_invitations"\."token_hash" = /,
      /^select "is_public".* from "projects" where "projects"\."id" = \$1$/,
      /^select count\(\*\) as count from "project_members" where/,
    ],
  },
  {
    why: 'an account, with its projects, keys and log, is of no one project',
    statements: [
      /^select .* from "project_members" inner join "projects" /,
      /^(select|insert into|delete from|update) .*"api_keys"/,
      /^select .* from "audit_logs" where .*"actor_id" = /,
      /^insert into "audit_logs"/,
      /^with account as/,
      /^select "owner_id" from "projects" where/,
      /^insert into "billing_events"/,
      /^with booked as/,
    ],
  },
  {
    why: 'a project comes into being, or somebody into a project',
    statements: [
      /^insert into "(projects|project_members)"/,
      /^select .* from "projects" where "projects"\."id" = \$1 for no key update$/,
      /^update "project_invitations" set "status" = \$1, "accepted_at"/,
      /^select .* from "project_members" inner join "users"/,
    ],
  },
  {
    why: 'sweeps look for what is due in all projects, in one statement; what they find to do in one is done in it',
    statements: [
      /^with "ended" as \(update "messages" set "status" = .* processes /,
      /^delete from "(conversations|leads|message_traces)" .* inner join "projects"/,
      /^delete from "project_invitations" where "project_invitations"\."expires_at" < /,
      /^select "project_id", "id" from "sources" where/,
      /^select "id" from "projects" where "projects"\."embedding_model" is distinct from/,
      /^select "id" from "documents" (where "documents"\."id" > \$1 )?order by "documents"\."id" limit/,
      /^select (distinct "project_id" from "lexical_segments"|project_id as "projectId" from lexical_segments group by)/,
      /^select p\.id as "projectId", p\.index_version/,
      /^select attstorage/,
      /^with large as/,
      /^delete from "(lexical_segments|document_chunks)" where id in \( select row\.id from documents d join/,
      /^select .* from "audit_logs" order by "audit_logs"\."created_at"/,
      /^select .* from "audit_logs" where .*"created_at"/,
    ],
  },
  {
    why: 'one statement looks at all sources that are followed in a process',
    statements: [LOOK],
  },
];

/** What a route needs that its schema does not tell. */
const BODIES: Record<string, object | string> = {
  'PATCH /v1/projects/{projectId}': { isPublic: true, answerOptions: { threshold: 'calibrated' } },
  'PATCH /v1/projects/{projectId}/sources/{sourceId}': { name: 'Changed' },
  'PATCH /v1/projects/{projectId}/test-sets/{testSetId}/cases/{caseId}': { question: 'Where else?' },
  'POST /v1/projects/{projectId}/test-sets/{testSetId}/cases/import':
    'question,expectation,expected_source\nWhere?,answer,Hours\n',
  'POST /v1/projects/{projectId}/erasures': { email: 'lead@example.com' },
  'POST /v1/projects/{projectId}/leads': { email: 'lead@example.com' },
};
/** Of hundreds, so that nobody is misled by a hook that hears nothing. */
const LEAST_STATEMENTS = 500;
const MANY_SOURCES = 8;
/** By then the audit log of the present hour is sealed. */
const SEALED_AFTER_MS = 3 * 3_600_000;
const TIMEOUT_MS = 600_000;
const never = new AbortController().signal;

let fake: FakeOpenAI;
let app: TestApp;
let tenant: Tenant;
const statements: ObservedQuery[] = [];
const refused: string[] = [];

beforeAll(async () => {
  fake = await startFakeOpenAI();
  app = await createTestApp({
    environment: {
      OPENAI_API_KEY: 'test',
      OPENAI_BASE_URL: fake.baseUrl,
      CRAWLER_ALLOW_PRIVATE_NETWORKS: 'true',
    },
    watchQueries: (query) => void (query.text.startsWith('/* test */') || statements.push(query)),
  });
  tenant = await createTenant(app);
  await addMore();
  const routes = (await listApiRoutes(app.server)).filter(({ path }) => path.startsWith('/v1/projects'));
  const isDeletion = ({ method }: ApiRoute) => method === 'DELETE';
  for (const route of routes.filter((one) => !isDeletion(one))) await ask(route);
  await askAsOthers();
  await runSchedules();
  const deletions = routes.filter(isDeletion);
  for (const route of deletions.toSorted((a, b) => b.path.length - a.path.length)) await ask(route);
  app.clock.advance(SEALED_AFTER_MS);
  await runSchedules();
}, TIMEOUT_MS);
afterAll(async () => {
  await app.close();
  await fake.close();
});

/** A site, a file that cannot be read, and as many sources as a merge wants. */
async function addMore(): Promise<void> {
  const { token } = tenant;
  const { projectId = '' } = tenant.ids;
  const site = await startFakeSite({
    '/': htmlPage('Start', 'The start leads to a second page.', { links: ['/two'] }),
    '/two': htmlPage('Two', 'The second page says more than the first one does.'),
  });
  await crawlSite(app, token, site, { projectId });
  await site.close();
  await app.upload(token, projectId, { name: 'broken.pdf', content: '%PDF-1.7 broken' });
  await app.addSource(token, projectId, { type: 'text', name: 'Hours', text: 'We open at nine.' });
  for (let count = 0; count < MANY_SOURCES; count += 1)
    await app.addSource(token, projectId, {
      type: 'text',
      name: `More ${count}`,
      text: `Shelf ${count} is full.`,
    });
}

async function ask(route: ApiRoute): Promise<void> {
  const schema = route.bodies[0];
  const sample = schema === undefined ? undefined : sampleOf(schema, '', route.method === 'PATCH');
  const body = BODIES[route.name] ?? sample;
  const isText = typeof body === 'string';
  const reply = await send(app, {
    method: route.method,
    url: pathOf(route, tenant.ids),
    headers: {
      ...bearer(tenant.token),
      ...(body === undefined ? {} : { 'content-type': isText ? 'text/csv' : 'application/json' }),
    },
    ...(body === undefined ? {} : { payload: isText ? body : JSON.stringify(body) }),
  });
  if (reply.status >= 400) refused.push(`${route.name}: ${reply.status}`);
  await app.runJobs();
}

/** A visitor that asks twice and reads, a viewer that may not write, and the account that looks at what is its own. */
async function askAsOthers(): Promise<void> {
  const base = `/v1/projects/${tenant.ids['projectId'] ?? ''}`;
  const body = { message: 'What is the secret code of the vault in Zanzibar?' };
  const { conversationId, conversationToken } = (await app.request('POST', `${base}/chat`, { body })).body;
  const again = { message: 'And of the cellar?', conversationId, conversationToken };
  expect((await app.request('POST', `${base}/chat`, { body: again })).status).toBe(200);
  const headers = { 'conversation-token': conversationToken as string };
  const read = await app.request('GET', `${base}/conversations/${conversationId}/messages`, { headers });
  expect(read.body.data).toHaveLength(4);
  const { token } = tenant;
  const viewer = await joinProject(app, { token, projectId: tenant.ids['projectId'] ?? '', role: 'viewer' });
  const write = { token: viewer.token, body: { name: 'Taken' } };
  expect((await app.request('PATCH', base, write)).status).toBe(403);
  const text = { type: 'text', name: 'Followed', text: 'Whoever follows sees it end.' };
  const source = await app.request('POST', `${base}/sources`, { token, body: text });
  const followed = app.request('GET', `${base}/sources/${source.body.id}/events`, { token });
  await eventually('a look', () => statements.find(({ text: sent }) => LOOK.test(sent)) ?? null);
  await app.runJobs();
  expect((await followed).body).toContain('ready');
  const own = ['/v1/api-keys', '/v1/audit-logs', `/v1/audit-logs?projectId=${tenant.ids['projectId'] ?? ''}`];
  for (const path of own) expect((await app.request('GET', path, { token })).status).toBe(200);
}

/** All that comes again, on an index of an older analyzer and with all that is due by then; and what it queues. */
async function runSchedules(): Promise<void> {
  await app.ctx.db.execute(sql`${OWN} update lexical_segments set analyzer_version = 0`);
  for (const task of schedules) await task.run(app.ctx, never);
  await app.runJobs();
}

async function tenantTables(): Promise<string[]> {
  const { rows } = await app.ctx.db.execute<{ name: string }>(sql`
    select table_name as name from information_schema.columns
    where table_schema = 'public' and column_name = 'project_id' order by 1`);
  return [...rows.map(({ name }) => name), 'projects'];
}

/** The statements that touch a row of a project, each with the tables. */
async function touching(isOfProject: boolean): Promise<{ text: string; tables: string[] }[]> {
  const patterns = (await tenantTables()).map((name) => ({
    name,
    pattern: new RegExp(`\\b(?:from|join|into|update)\\s+"?${name}"?(?![\\w.])`, 'i'),
  }));
  return statements
    .filter(({ projectId }) => (projectId !== null) === isOfProject)
    .map(({ text }) => ({
      text: text.replaceAll(/\s+/g, ' ').trim(),
      tables: patterns.filter(({ pattern }) => pattern.test(text)).map(({ name }) => name),
    }))
    .filter(({ tables }) => tables.length > 0);
}

describe('what touches the rows of a project', () => {
  it('is in a transaction of the project, or named with a reason', async () => {
    const outside = await touching(false);
    const excused = OUTSIDE.flatMap((exception) => exception.statements);
    const forgotten = outside.filter(({ text }) => !excused.some((pattern) => pattern.test(text)));
    expect([...new Set(forgotten.map(({ text }) => text))]).toEqual([]);
    const unused = excused.filter((pattern) => !outside.some(({ text }) => pattern.test(text)));
    expect(unused).toEqual([]);
  });

  it('has been seen: each table but that of keys, and in transactions of the one project', async () => {
    const inside = await touching(true);
    expect(inside.length).toBeGreaterThan(LEAST_STATEMENTS);
    const seen = new Set(inside.flatMap(({ tables }) => tables));
    expect((await tenantTables()).filter((name) => !seen.has(name))).toEqual(['api_keys']);
    const projectIds = new Set(statements.flatMap(({ projectId }) => projectId ?? []));
    expect(projectIds).toContain(tenant.ids['projectId']);
    expect(refused).toEqual(['POST /v1/projects/{projectId}/transfer: 404']);
  });
});
