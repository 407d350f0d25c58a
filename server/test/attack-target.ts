import { eq } from 'drizzle-orm';
import { jobs } from '#db/schema/jobs.js';
import { users } from '#db/schema/users.js';
import { type ApiRoute, isReadByFields, listApiRoutes } from './api-routes.js';
import { type TestApp, createTestApp } from './create-test-app.js';
import { addTestSet } from './add-test-set.js';
import { invite, joinProject } from './join-project.js';
import { type RawReply, type Sent, countStored, faultOf, send } from './refusals.js';

/** A server with an account, an admin's, whose project holds one of each thing, to be asked for what must be refused. */
export interface AttackTarget {
  app: TestApp;
  token: string;
  routes: ApiRoute[];
  /** What stands in paths where a test is about something else: all of it exists. */
  known: Record<string, string>;
  /**
   * Sends all, signed in, and collects what is wrong: each must be refused, nothing written, and the server live on.
   * @param check what is wrong with one reply, or null
   */
  faultsOf: (requests: [string, Sent][], check?: (reply: RawReply) => string | null) => Promise<string[]>;
}

export async function createAttackTarget(): Promise<AttackTarget> {
  const app = await createTestApp();
  const routes = (await listApiRoutes(app.server)).filter(isReadByFields);
  // What is sent is to be refused for what it is, and not for a limit.
  const { token, userId } = await app.register('Ada', 'enterprise');
  await app.ctx.db.update(users).set({ role: 'admin' }).where(eq(users.id, userId));
  const known = await fillProject(app, token);
  return {
    app,
    token,
    routes,
    known,
    faultsOf: async (requests, check = faultOf) => {
      const before = await countStored(app);
      const faults: string[] = [];
      for (const [what, request] of requests) {
        const headers = { authorization: `Bearer ${token}`, ...request.headers };
        const fault = check(await send(app, { ...request, headers }));
        if (fault !== null) faults.push(`${what}: ${fault}`);
      }
      const after = await countStored(app);
      for (const [name, count] of Object.entries(after)) {
        if (count !== before[name]) faults.push(`${name}: ${String(before[name])} before, ${count} after`);
      }
      const health = await send(app, { method: 'GET', url: '/health/live' });
      if (health.status !== 200) faults.push('the server is dead');
      return faults;
    },
  };
}

async function fillProject(app: TestApp, token: string): Promise<Record<string, string>> {
  const projectId = await app.createProject(token);
  const text = 'The office opens at nine in the morning.';
  const source = await app.addSource(token, projectId, { type: 'text', name: 'Hours', text });
  const base = `/v1/projects/${projectId}`;
  const documents = await app.request('GET', `${base}/documents`, { token });
  const chat = await app.request('POST', `${base}/chat`, {
    token,
    body: { message: 'When does the office open?' },
  });
  const sessions = await app.request('GET', '/v1/auth/sessions', { token });
  const lead = await app.request('POST', `${base}/leads`, { token, body: { phone: '+49301234567' } });
  const { testSetId, caseId, runId } = await addTestSet(app, token, { projectId, text: 'nine' });
  const key = await app.request('POST', '/v1/api-keys', { token, body: { name: 'Key' } });
  const offer = { token, projectId, role: 'editor' };
  const member = await joinProject(app, offer);
  const invitation = await invite(app, 'invited@example.com', offer);
  await app.runJobs();
  const [job] = await app.ctx.db.select({ id: jobs.id }).from(jobs).limit(1);
  return {
    projectId,
    jobId: job?.id ?? '',
    userId: member.userId,
    invitationId: invitation.id,
    testSetId,
    caseId,
    runId,
    sourceId: source.id,
    documentId: documents.body.data[0].id,
    conversationId: chat.body.conversationId,
    messageId: chat.body.message.id,
    sessionId: sessions.body.data[0].id,
    keyId: key.body.id,
    leadId: lead.body.id,
    plan: 'pro',
    code: 'mini-1000',
  };
}
