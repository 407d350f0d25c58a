import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, createTestApp } from '../create-test-app.js';
import { type FakeSite, htmlPage, startFakeSite } from '../fakes/fake-site.js';
import { STRANDED_RUNS, WRONG_DOCUMENTS, WRONG_PAGES, WRONG_SYNC_COUNTS } from './invariants.queries.js';

let app: TestApp;
let site: FakeSite;
let sourceId: string;

const prose = (subject: string) => `All that there is to know about the ${subject} stands on this page.`;

beforeAll(async () => {
  app = await createTestApp({ environment: { CRAWLER_ALLOW_PRIVATE_NETWORKS: 'true' } });
  site = await startFakeSite({
    '/': htmlPage('Home', prose('home'), { links: ['/a', '/missing'] }),
    '/a': htmlPage('Apples', prose('apples')),
  });
  const { token } = await app.register();
  const projectId = await app.createProject(token);
  const body = { type: 'url', url: `${site.origin}/`, crawl: {} };
  ({ id: sourceId } = await app.addSource(token, projectId, body));
});
afterAll(async () => {
  await site.close();
  await app.close();
});

/** What is found once these statements have broken something; it is whole again afterwards. */
async function findAfter(breaking: string): Promise<string[]> {
  const lines: string[] = [];
  const undone = new Error('undone');
  const broken = app.ctx.db.transaction(async (tx) => {
    await tx.execute(sql.raw(breaking));
    for (const statement of [STRANDED_RUNS, WRONG_PAGES, WRONG_DOCUMENTS, WRONG_SYNC_COUNTS]) {
      const { rows } = await tx.execute<{ line: string }>(sql.raw(statement));
      lines.push(...rows.map(({ line }) => line.replace(/[0-9a-f-]{36}/, 'ID').replace(site.origin, '')));
    }
    throw undone;
  });
  await expect(broken).rejects.toThrow('undone');
  return lines;
}

describe('the invariants of pages', () => {
  it('hold after a crawl', async () => {
    expect(await findAfter('select 1')).toEqual([]);
  });

  it('find a run that nobody is at', async () => {
    const stranded = `update sources set status = 'processing', sync_phase = 'pages' where id = '${sourceId}'`;
    expect(await findAfter(stranded)).toEqual(['source ID is processing, and nobody is at it']);
  });

  it('find a page that says it is indexed and is not', async () => {
    expect(await findAfter(`delete from documents where key like '%/a'`)).toEqual([
      'page ID (/a) is indexed, with no document',
    ]);
  });

  it('find a document without its page, and counts that tell of another', async () => {
    const lines = await findAfter(`delete from source_pages where key like '%/a'`);
    expect(lines[0]).toBe('document ID (/a) at version 1 is ready, and its page is not there');
    expect(lines[1]).toContain('and its pages are 1 indexed, 0 unchanged and 1 others');
    expect(lines).toHaveLength(2);
  });

  it('find a page that waits though the run has ended', async () => {
    const lines = await findAfter(`update source_pages set status = 'queued' where key like '%/missing'`);
    expect(lines[0]).toBe('page ID (/missing) is queued, with no document');
  });
});
