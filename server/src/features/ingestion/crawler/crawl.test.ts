import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { type FakePage, type FakeSite, htmlPage, startFakeSite } from '#test/fakes/fake-site.js';

let app: TestApp;
let token: string;
const sites: FakeSite[] = [];

beforeAll(async () => {
  app = await createTestApp({ environment: { CRAWLER_ALLOW_PRIVATE_NETWORKS: 'true' } });
  ({ token } = await app.register());
});
afterAll(() => app.close());
afterEach(async () => {
  for (const site of sites.splice(0)) await site.close();
});

async function openSite(pages: Record<string, FakePage>): Promise<FakeSite> {
  const site = await startFakeSite(pages);
  sites.push(site);
  return site;
}

async function crawl(site: FakeSite, settings: Record<string, unknown> = {}, path = '/') {
  const projectId = await app.createProject(token);
  const body = { type: 'url', url: `${site.origin}${path}`, crawl: settings };
  const source = await app.addSource(token, projectId, body);
  const base = `/v1/projects/${projectId}/sources/${source.id}`;
  const read = async () => (await app.request('GET', base, { token })).body;
  return {
    projectId,
    source,
    base,
    read,
    sync: async () => {
      expect((await app.request('POST', `${base}/sync`, { token })).status).toBe(202);
      await app.runJobs();
      return read();
    },
    pages: async () => {
      const { body: list } = await app.request('GET', `${base}/pages?limit=100`, { token });
      const rows = list.data as { url: string; status: string; reason: string | null }[];
      return Object.fromEntries(
        rows.map(({ url, status, reason }) => [
          url.replace(site.origin, ''),
          reason === null ? status : `${status} ${reason}`,
        ]),
      );
    },
    search: async (query: string) => {
      const path = `/v1/projects/${projectId}/search`;
      const { body: found } = await app.request('POST', path, { token, body: { query } });
      return (found.results as { url: string; text: string }[]).map(({ url, text }) => ({
        path: url.replace(site.origin, ''),
        text,
      }));
    },
  };
}

const prose = (subject: string) => `Everything that there is to know about the ${subject} stands on this page.`;

describe('a crawl', () => {
  it('follows links within the site, and every page ends with a status', async () => {
    const site = await openSite({
      '/': htmlPage('Home', prose('home'), { links: ['/a', '/b?utm_source=x', '/missing', 'https://elsewhere.example/'] }),
      '/a': htmlPage('Apples', prose('apples'), { links: ['/a/deep', '/', '#top'] }),
      '/a/deep': htmlPage('Deep', prose('roots')),
      '/b': htmlPage('Bananas', prose('bananas'), { links: ['/picture.png'] }),
    });
    const { source, pages, search } = await crawl(site);
    expect(source).toMatchObject({
      status: 'ready',
      documentCount: 4,
      progress: { stage: 'done', done: 7, total: 7 },
      lastSync: { added: 4, changed: 0, gone: 0, unchanged: 0, skipped: 2, failed: 1 },
    });
    expect(await pages()).toEqual({
      '/': 'indexed',
      '/a': 'indexed',
      '/b': 'indexed',
      '/a/deep': 'indexed',
      '/missing': 'failed http_404',
      '/picture.png': 'skipped unsupported_type',
      'https://elsewhere.example/': 'skipped out_of_scope',
    });
    expect((await search('roots'))[0]).toMatchObject({ path: '/a/deep' });
  });
});
