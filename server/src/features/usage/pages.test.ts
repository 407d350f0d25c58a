import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { newId } from '#kernel/ids.js';
import { projectFolder } from '#features/projects/projects.jobs.js';
import { crawlSite } from '#test/crawl-site.js';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { type FakeOpenAI, startFakeOpenAI } from '#test/fakes/fake-openai.js';
import { type FakeSite, htmlPage, startFakeSite } from '#test/fakes/fake-site.js';

const PARALLEL = 20;
/** More of them, over two processes, are in test/chaos/limit-races.test.ts. */
const ROUNDS = 3;

let openai: FakeOpenAI;
let app: TestApp;
let site: FakeSite;
let token: string;
let userId: string;
let email: string;
let projectId: string;

beforeAll(async () => {
  openai = await startFakeOpenAI({ dimensions: 32 });
  app = await createTestApp({
    environment: {
      CRAWLER_ALLOW_PRIVATE_NETWORKS: 'true',
      OPENAI_BASE_URL: openai.baseUrl,
      OPENAI_EMBEDDING_MODEL: 'text-embedding-3-small',
      OPENAI_EMBEDDING_DIMENSIONS: '32',
    },
  });
  site = await startFakeSite();
});
beforeEach(async () => {
  openai.set({ mode: 'normal' });
  site.pages.clear();
  ({ token, userId, email } = await app.register());
  projectId = await app.createProject(token);
});
afterAll(async () => {
  await app.close();
  await openai.close();
  await site.close();
});

/** As if the plan had been that small. */
async function limitPages(limit: number): Promise<void> {
  await app.ctx.db.execute(
    sql`update usage_periods set limit_indexed_pages = ${limit} where user_id = ${userId}`,
  );
}

async function row<T extends Record<string, unknown>>(query: ReturnType<typeof sql>): Promise<T | undefined> {
  return (await app.ctx.db.execute<T>(query)).rows[0] as T | undefined;
}

const textOf = (name: string) => ({
  type: 'text',
  name,
  text: `The ${name} grinder has a warranty of two years.`,
});
const add = (name: string) =>
  app.request('POST', `/v1/projects/${projectId}/sources`, { token, body: textOf(name) });
const addIndexed = (name: string) => app.addSource(token, projectId, textOf(name));
const countVisible = async () =>
  (
    await row(sql`select count(*)::int as count from documents join projects on projects.id = project_id
    where owner_id = ${userId} and live_version > 0`)
  )?.['count'];

/** A start that links to so many others. */
function fillSite(count: number, fact = 'is let by the week'): void {
  const paths = Array.from({ length: count - 1 }, (_, index) => `/room-${index}`);
  site.pages.set('/', htmlPage('Home', 'All rooms are let in this house.', { links: paths }));
  for (const [index, path] of paths.entries())
    site.pages.set(path, htmlPage(`Room ${index}`, `The room with the number ${index} ${fact}.`));
}

describe('a source where no page is left', () => {
  it('is not added, whatever its type, and leaves nothing behind', async () => {
    await limitPages(1);
    const first = await addIndexed('steel');
    expect(first.status).toBe('ready');
    const bodies = [
      textOf('brass'),
      { type: 'qa', name: 'Pairs', pairs: [{ question: 'How long?', answer: 'Two years.' }] },
      { type: 'url', url: `${site.origin}/` },
    ];
    for (const body of bodies) {
      const refused = await app.request('POST', `/v1/projects/${projectId}/sources`, { token, body });
      expect(refused.status).toBe(429);
      expect(refused.body).toMatchObject({
        code: 'usage_limit_exceeded',
        detail:
          'The limit of 1 indexed pages is reached: 1 are used. A larger plan or an add-on gives more: see GET /v1/billing/plans.',
        usage: { what: 'indexedPages', used: 1, limit: 1, resetsAt: null },
      });
    }
    const upload = await app.upload(token, projectId, { name: 'a.txt', content: 'A refund takes a week.' });
    expect(upload.body.usage).toEqual({ what: 'indexedPages', used: 1, limit: 1, resetsAt: null });
    expect(
      await row(sql`select count(*)::int as sources from sources where project_id = ${projectId}`),
    ).toEqual({ sources: 1 });
    await app.runJobs();
    const originals: string[] = [];
    for await (const { key } of app.ctx.storage.list(projectFolder(projectId))) originals.push(key);
    expect(originals).toHaveLength(1);
  });

  it('is added as soon as a document, a source or a project is deleted', async () => {
    const other = await app.createProject(token);
    await limitPages(3);
    const [document, source] = [await addIndexed('steel'), await addIndexed('brass')];
    await app.addSource(token, other, textOf('copper'));
    const base = `/v1/projects/${projectId}`;
    const { body } = await app.request('GET', `${base}/documents?sourceId=${document.id}`, { token });
    for (const path of [
      `${base}/documents/${body.data[0].id}`,
      `${base}/sources/${source.id}`,
      `/v1/projects/${other}`,
    ]) {
      expect((await add('pewter')).status).toBe(429);
      expect((await app.request('DELETE', path, { token })).status).toBe(204);
      expect((await addIndexed('pewter')).status).toBe('ready');
    }
    expect(await countVisible()).toBe(3);
  });

  it('is added with credits for pages, until they have expired or are revoked', async () => {
    await limitPages(1);
    await addIndexed('steel');
    const grant = newId();
    const expiresAt = new Date(app.clock.now().getTime() + 3_600_000).toISOString();
    await app.ctx.db.execute(sql`
      insert into credit_grants (id, user_id, kind, quantity, revoked, expires_at, idempotency_key)
      values (${grant}, ${userId}, 'indexed_pages', 3, 1, ${expiresAt}, ${grant})`);
    expect((await addIndexed('brass')).status).toBe('ready');
    expect((await add('copper')).status).toBe(202);
    expect((await add('pewter')).body.usage).toMatchObject({ used: 3, limit: 3 });
    await app.runJobs();
    await app.ctx.db.execute(sql`update credit_grants set expires_at = ${app.clock.now().toISOString()}
      where id = ${grant}`);
    expect((await add('pewter')).body.usage).toMatchObject({ used: 3, limit: 1 });
  });

  it('is added once by twenty requests at once where one is left', async () => {
    for (let round = 1; round <= ROUNDS; round += 1) {
      await limitPages(round);
      const replies = await Promise.all(
        Array.from({ length: PARALLEL }, (_, index) => add(`${round}-${index}`)),
      );
      expect(replies.filter(({ status }) => status === 202)).toHaveLength(1);
      expect(replies.filter(({ status }) => status === 429)).toHaveLength(PARALLEL - 1);
      // Those of the next round wait beside one that is there, and then beside two that wait.
      if (round === 1) await app.runJobs();
    }
    await app.runJobs();
    expect(await countVisible()).toBe(ROUNDS);
    expect(
      await row(sql`select count(*)::int as ready from sources where project_id = ${projectId}
      and status = 'ready'`),
    ).toEqual({ ready: ROUNDS });
  });
});

describe('a page beyond the limit', () => {
  it('of a single document fails its source, and says what to do', async () => {
    await limitPages(1);
    const source = await add('steel');
    // Between its adding and its indexing the account went to a smaller plan.
    await limitPages(0);
    const asked = openai.requests.length;
    await app.runJobs();
    const path = `/v1/projects/${projectId}/sources/${source.body.id}`;
    const failed = (await app.request('GET', path, { token })).body;
    expect(failed).toMatchObject({
      status: 'failed',
      documentCount: 0,
      error: {
        code: 'usage_limit',
        message:
          'The account may hold 0 indexed pages, and has no place left for this one. Delete pages or sources that are not needed, or take a larger plan or an add-on; then sync the source again.',
      },
    });
    const pages = (await app.request('GET', `${path}/pages`, { token })).body.data;
    expect(pages).toMatchObject([
      {
        status: 'failed',
        reason: 'usage_limit',
        detail: failed.error.message,
        documentId: expect.any(String),
      },
    ]);
    expect(openai.requests.length).toBe(asked);
    await limitPages(1);
    expect((await app.request('POST', `${path}/sync`, { token })).status).toBe(202);
    await app.runJobs();
    expect((await app.request('GET', path, { token })).body).toMatchObject({
      status: 'ready',
      documentCount: 1,
    });
  });

  it('of a crawl is skipped, with those after it; a later run fetches what fits then', async () => {
    await limitPages(3);
    fillSite(12);
    const crawled = await crawlSite(app, token, site, { projectId, crawl: { sitemap: false } });
    expect(crawled.source).toMatchObject({ status: 'ready', error: null, documentCount: 3 });
    const outcomes = () =>
      crawled.pages().then((pages) => {
        const counts: Record<string, number> = {};
        for (const outcome of Object.values(pages)) counts[outcome] = (counts[outcome] ?? 0) + 1;
        return counts;
      });
    expect(await outcomes()).toEqual({ indexed: 3, 'skipped usage_limit': 9 });
    expect(crawled.source.lastSync).toMatchObject({ added: 3, skipped: 9, failed: 0 });
    const visited = new Set(site.visits.filter((path) => site.pages.has(path)));
    // Those whose visits had been planned when the first one did not fit, and no more.
    expect(visited.size).toBeLessThan(12);
    const { body } = await app.request('GET', `${crawled.path}/pages?status=skipped`, { token });
    for (const page of body.data) {
      expect(page).toMatchObject({ reason: 'usage_limit', documentId: null });
      expect(page.detail).toContain('Delete pages or sources that are not needed');
    }
    expect(
      await row(sql`select count(*)::int as unseen from document_chunks chunk join documents document
      on document.id = chunk.document_id where document.project_id = ${projectId}
        and chunk.version <> document.live_version`),
    ).toEqual({ unseen: 0 });
    expect(await countVisible()).toBe(3);
    await limitPages(12);
    expect(await crawled.sync()).toMatchObject({ added: 9, unchanged: 3, skipped: 0 });
    expect(await outcomes()).toEqual({ unchanged: 3, indexed: 9 });
  });

  it('does not keep pages that are there from being indexed anew', async () => {
    await limitPages(3);
    fillSite(5);
    const crawled = await crawlSite(app, token, site, { projectId, crawl: { sitemap: false } });
    expect(await countVisible()).toBe(3);
    await limitPages(1);
    fillSite(5, 'is let by the day');
    expect(await crawled.sync()).toMatchObject({ added: 0, unchanged: 1, changed: 2, skipped: 2, failed: 0 });
    expect(await countVisible()).toBe(3);
    const found = await crawled.search('room let by the day');
    expect(found.filter(({ text }) => text.includes('by the day'))).toHaveLength(2);
  });

  it('leaves the place of a source that waits for its first one', async () => {
    await limitPages(3);
    fillSite(4);
    // It is added before the crawl and read after it.
    const waiting = await add('steel');
    await app.ctx.db.execute(sql`update jobs set run_at = run_at + interval '1 hour'
      where payload->>'sourceId' = ${waiting.body.id}`);
    const crawled = await crawlSite(app, token, site, { projectId, crawl: { sitemap: false } });
    expect(crawled.source.documentCount).toBe(2);
    app.clock.advance(3_600_000);
    await app.runJobs();
    expect(await countVisible()).toBe(3);
    const path = `/v1/projects/${projectId}/sources/${waiting.body.id}`;
    expect((await app.request('GET', path, { token })).body.status).toBe('ready');
  });

  it('is told by a preview: how many still fit', async () => {
    const preview = async () =>
      (
        await app.request('POST', `/v1/projects/${projectId}/sources/preview`, {
          token,
          body: textOf('steel'),
        })
      ).body.pagesLeft;
    expect(await preview()).toBe(100);
    await limitPages(2);
    await addIndexed('brass');
    expect(await preview()).toBe(1);
    await add('copper');
    expect(await preview()).toBe(0);
    await app.changePlan(userId, 'enterprise');
    expect(await preview()).toBeNull();
  });
});

describe('a page that was read and indexed', () => {
  const counters = () =>
    row(sql`
      select period.processed_pages as processed, period.cost, tracked.indexed_pages as tracked,
        tracked.cost as tracked_cost, ledger.lines, ledger.cost as ledger_cost
      from usage_periods period
      left join usage_tracking tracked on tracked.user_id = period.user_id and tracked.project_id = ${projectId}
      cross join (
        select count(*)::int as lines, coalesce(sum(cost), 0) as cost from billing_events
        where user_id = ${userId} and type = 'page' and quantity = 1
      ) ledger
      where period.user_id = ${userId}`);

  it('is counted once with what it cost; one that has not changed is not', async () => {
    fillSite(3);
    const crawled = await crawlSite(app, token, site, { projectId, crawl: { sitemap: false } });
    const { cost } = crawled.source.lastSync;
    expect(Number(cost)).toBeGreaterThan(0);
    const first = { processed: 3, tracked: 3, lines: 3, cost, tracked_cost: cost, ledger_cost: cost };
    expect(await counters()).toEqual(first);
    expect(await crawled.sync()).toMatchObject({ unchanged: 3, changed: 0 });
    expect(await counters()).toEqual(first);
    site.pages.set('/room-0', htmlPage('Room 0', 'The room with the number 0 has been sold.'));
    const changed = await crawled.sync();
    expect(changed).toMatchObject({ unchanged: 2, changed: 1 });
    const sum = (Number(cost) + Number(changed['cost'])).toFixed(9);
    expect(await counters()).toEqual({
      processed: 4,
      tracked: 4,
      lines: 4,
      cost: sum,
      tracked_cost: sum,
      ledger_cost: sum,
    });
    const lines = await app.ctx.db.execute(sql`
      select event.reason, event.project_id, event.idempotency_key = 'page:' || document.id || ':' || (event.metadata->>'version')
        as is_of_version, event.period_id = period.id as is_of_period
      from billing_events event join documents document on document.id::text = event.metadata->>'documentId'
      join usage_periods period on period.user_id = event.user_id
      where event.user_id = ${userId} and event.type = 'page' order by event.id`);
    const line = { project_id: projectId, is_of_version: true, is_of_period: true };
    expect(lines.rows).toEqual([
      ...Array.from({ length: 3 }, () => ({ ...line, reason: 'added' })),
      { ...line, reason: 'changed' },
    ]);
  });

  it('is counted on a plan without limits too, with no period open yet', async () => {
    const other = await app.register();
    await app.changePlan(other.userId, 'enterprise');
    const project = await app.createProject(other.token);
    await app.ctx.db.execute(sql`delete from usage_periods where user_id = ${other.userId}`);
    expect((await app.addSource(other.token, project, textOf('steel'))).status).toBe('ready');
    expect(
      await row(sql`select processed_pages as processed, limit_indexed_pages as limit from usage_periods
        where user_id = ${other.userId}`),
    ).toEqual({ processed: 1, limit: null });
  });

  it('is not counted where its indexing comes to nothing', async () => {
    await limitPages(1);
    openai.set({ mode: 'bad_request' });
    const source = await add('steel');
    await app.runJobs();
    const path = `/v1/projects/${projectId}/sources/${source.body.id}`;
    expect((await app.request('GET', path, { token })).body.status).toBe('failed');
    expect(await counters()).toMatchObject({ processed: 0, lines: 0, tracked: null });
    openai.set({ mode: 'normal' });
    expect((await addIndexed('brass')).status).toBe('ready');
    expect(await counters()).toMatchObject({ processed: 1, lines: 1, tracked: 1 });
  });
});

describe('an account', () => {
  it('is warned at 80 and at 100 % of its pages, once each in a period', async () => {
    await limitPages(5);
    const warnings = () => app.mails.filter(({ to }) => to === email).map(({ subject }) => subject);
    const sources = [];
    for (const name of ['steel', 'brass', 'copper', 'pewter', 'iron']) sources.push(await addIndexed(name));
    await app.runJobs();
    expect(warnings().slice(-2)).toEqual([
      '80 % of your indexed pages are used',
      'Your indexed pages are used up',
    ]);
    const before = warnings().length;
    const last = sources.at(-1);
    await app.request('DELETE', `/v1/projects/${projectId}/sources/${last.id}`, { token });
    expect((await addIndexed('zinc')).status).toBe('ready');
    await app.runJobs();
    expect(warnings()).toHaveLength(before);
    const { rows } = await app.ctx.db.execute(sql`
      select reason, tier, metadata from billing_events where user_id = ${userId} and type = 'usage_warning'
      order by id`);
    expect(rows).toEqual([
      { reason: '80_percent', tier: null, metadata: { used: 4, limit: 5 } },
      { reason: '100_percent', tier: null, metadata: { used: 5, limit: 5 } },
    ]);
    const { text } = app.mails.findLast(({ to }) => to === email) ?? { text: '' };
    expect(text).toContain('Your chatbots know 5 of the 5 indexed pages that your account may hold.');
  });
});
