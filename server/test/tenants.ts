import { randomBytes } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { expect } from 'vitest';
import { addTestSet } from './add-test-set.js';
import { type ApiRoute, pathOf, sampleOf } from './api-routes.js';
import type { TestApp } from './create-test-app.js';
import { invite, joinProject } from './join-project.js';
import { type RawReply, send } from './refusals.js';

/** An account with a project that holds one of each thing, and a canary in each text of it. */
export interface Tenant {
  token: string;
  refreshToken: string;
  userId: string;
  email: string;
  /** Ids by the name of their path parameter. */
  ids: Record<string, string>;
  chunkId: string;
  conversationToken: string;
  canary: string;
}

/** Before statements that a test makes itself, for those who listen to the product’s. */
export const OWN = sql`/* test */`;

/** @param account whose project it is; unset: of a new one */
export async function createTenant(
  app: TestApp,
  account?: Pick<Tenant, 'token' | 'refreshToken' | 'userId' | 'email'>,
): Promise<Tenant> {
  const canary = `canary${randomBytes(8).toString('hex')}`;
  const { token, refreshToken, userId, email } =
    account ?? (await app.register(`Name ${canary}`, 'enterprise'));
  const projectId = await app.createProject(token, {
    name: `Project ${canary}`,
    description: canary,
    systemPrompt: canary,
    fallbackMessage: `Fallback ${canary}`,
    welcomeMessage: canary,
    suggestedQuestions: [`What is ${canary}?`],
    modelMini: canary,
  });
  const base = `/v1/projects/${projectId}`;
  const text = `# Vault ${canary}\n\nThe secret code of the vault in Zanzibar is ${canary}.`;
  const metadata = { note: canary };
  const source = await app.addSource(token, projectId, {
    type: 'text',
    name: `Source ${canary}`,
    text,
    metadata,
  });
  await app.upload(token, projectId, {
    name: `${canary}.txt`,
    content: `The cellar of ${canary} holds ${canary}.`,
  });
  await app.runJobs();
  const documents = await app.request('GET', `${base}/documents?sourceId=${source.id}`, { token });
  const documentId: string = documents.body.data[0].id;
  const chunks = await app.request('GET', `${base}/documents/${documentId}/chunks`, { token });
  const chat = await app.request('POST', `${base}/chat`, {
    token,
    headers: { 'idempotency-key': `key-${canary}` },
    body: {
      message: `What is the secret code of the vault in Zanzibar? ${canary}`,
      visitor: { id: canary, email: `${canary}@example.com`, phone: canary, name: canary, metadata },
    },
  });
  const { conversationId, conversationToken, message } = chat.body;
  expect(message.content).toContain(canary);
  const sessions = await app.request('GET', '/v1/auth/sessions', { token });
  const lead = await app.request('POST', `${base}/leads`, {
    token,
    body: { email: `lead-${canary}@example.com`, name: canary, metadata, consent: { text: canary } },
  });
  const testSet = await addTestSet(app, token, { projectId, text: canary });
  const offer = { token, projectId, role: 'editor' };
  const member = await joinProject(app, offer, `Member ${canary}`);
  const invitation = await invite(app, `${canary}@example.com`, offer);
  const ids = {
    projectId,
    userId: member.userId,
    invitationId: invitation.id,
    sourceId: source.id,
    documentId,
    conversationId,
    messageId: message.id,
    sessionId: sessions.body.data[0].id,
    leadId: lead.body.id,
    jobId: await newestJobId(app, projectId),
    ...testSet,
    plan: 'pro',
    code: 'mini-1000',
    keyId: await createApiKey(app, token, canary),
  };
  return {
    token,
    refreshToken,
    userId,
    email,
    ids,
    chunkId: chunks.body.data[0].id,
    conversationToken,
    canary,
  };
}

async function createApiKey(app: TestApp, token: string, name: string): Promise<string> {
  const { body } = await app.request('POST', '/v1/api-keys', { token, body: { name } });
  return body.id;
}

async function newestJobId(app: TestApp, projectId: string): Promise<string> {
  const { rows } = await app.ctx.db.execute<{ id: string }>(
    sql`${OWN} select id from jobs where project_id = ${projectId} order by id desc limit 1`,
  );
  return rows[0]?.id ?? '';
}

/** All that is stored of an account and its project, as text. */
export async function rowsOf(app: TestApp, tenant: Tenant): Promise<string> {
  const { rows: columns } = await app.ctx.db.execute(sql`
    select table_name as name, array_agg(column_name::text) as columns from information_schema.columns
    where table_schema = 'public' group by table_name order by table_name`);
  const dumps: string[] = [];
  for (const { name, columns: own } of columns as { name: string; columns: string[] }[]) {
    const key = own.includes('project_id')
      ? 'project_id'
      : name === 'projects' || name === 'users'
        ? 'id'
        : 'user_id';
    if (key === 'user_id' && !own.includes(key)) continue;
    const value = key === 'project_id' || name === 'projects' ? tenant.ids['projectId'] : tenant.userId;
    // That something was refused to a member is noted in the project.
    const isAct = name === 'audit_logs' ? sql`and outcome <> 'refused'` : sql``;
    const { rows } = await app.ctx.db.execute(
      sql`select to_jsonb(t)::text as row from ${sql.identifier(name)} t where ${sql.identifier(key)} = ${value} ${isAct} order by 1`,
    );
    dumps.push(name, ...rows.map(({ row }) => String(row)));
  }
  return dumps.join('\n');
}

/** A request for a route with these ids, and with a body that the route takes. */
export interface Attack {
  route: ApiRoute;
  ids: Record<string, string>;
  headers?: Record<string, string>;
}

export async function attack(app: TestApp, { route, ids, headers = {} }: Attack): Promise<RawReply> {
  const schema = route.bodies[0];
  return send(app, {
    method: route.method,
    url: pathOf(route, ids),
    headers: { ...headers, ...(schema === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(schema === undefined
      ? {}
      : { payload: JSON.stringify(sampleOf(schema, '', route.method === 'PATCH')) }),
  });
}

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

export const hasChild = ({ pathParameters }: ApiRoute) => pathParameters.length > 1;
/** The project of one with the things of another. */
export const mixed = (project: Tenant, children: Tenant) => ({
  ...children.ids,
  projectId: project.ids['projectId'] ?? '',
});

/** The same ids, as PostgreSQL reads them too. */
export function upper(ids: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(ids).map(([name, id]) => [name, id.toUpperCase()]));
}
