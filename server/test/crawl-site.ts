import { expect } from 'vitest';
import type { TestApp } from './create-test-app.js';
import type { FakeSite } from './fakes/fake-site.js';

export interface CrawledSite {
  projectId: string;
  /** As it was after the first run. */
  // oxlint-disable-next-line typescript/no-explicit-any
  source: any;
  /** Path of the source in the API. */
  path: string;
  // oxlint-disable-next-line typescript/no-explicit-any
  read: () => Promise<any>;
  /** Runs the source once more. @returns what the run has done */
  sync: () => Promise<Record<string, number | string>>;
  /** Status and reason of each page by its path. */
  pages: () => Promise<Record<string, string>>;
  /** Paths and texts of what a search finds, best first. */
  search: (query: string) => Promise<{ path: string; text: string }[]>;
}

/**
 * Adds a site as a source, of a new project where none is named, and crawls it to the end. Pages of one project share
 * the process that reads them, so tests that share a project are quicker.
 */
export async function crawlSite(
  app: TestApp,
  token: string,
  site: FakeSite,
  settings: { crawl?: Record<string, unknown> | null; path?: string; projectId?: string } = {},
): Promise<CrawledSite> {
  const projectId = settings.projectId ?? (await app.createProject(token));
  const { crawl = {} } = settings;
  const source = await app.addSource(token, projectId, {
    type: 'url',
    url: `${site.origin}${settings.path ?? '/'}`,
    ...(crawl === null ? {} : { crawl }),
  });
  const path = `/v1/projects/${projectId}/sources/${source.id}`;
  const read = async () => (await app.request('GET', path, { token })).body;
  const pathOf = (url: string) => url.replace(site.origin, '');
  return {
    projectId,
    source,
    path,
    read,
    sync: async () => {
      expect((await app.request('POST', `${path}/sync`, { token })).status).toBe(202);
      await app.runJobs();
      return (await read()).lastSync;
    },
    pages: async () => {
      const { body } = await app.request('GET', `${path}/pages?limit=100`, { token });
      const rows = body.data as { url: string; status: string; reason: string | null }[];
      return Object.fromEntries(
        rows.map(({ url, status, reason }) => [
          pathOf(url),
          reason === null ? status : `${status} ${reason}`,
        ]),
      );
    },
    search: async (query) => {
      const { body } = await app.request('POST', `/v1/projects/${projectId}/search`, {
        token,
        body: { query },
      });
      const results = body.results as { url: string; text: string }[];
      return results
        .filter(({ url }) => url.startsWith(site.origin))
        .map(({ url, text }) => ({ path: pathOf(url), text }));
    },
  };
}
