import { z } from 'zod';
import { eventually } from '../eventually.js';
import type { Account } from './chaos-account.js';
import { type Chaos, countRows } from './chaos-cluster.js';
import type { GatedSite } from './gated-site.js';

/** Less than the watchdog of stuck sources waits before it helps: a run ends without it. */
const ENDED_MS = 110_000;

export interface Crawl {
  sourceId: string;
  sync: () => Promise<void>;
  /** Waits until its run has ended, by itself. @returns the source as the API shows it */
  whenEnded: (timeoutMs?: number) => Promise<z.infer<typeof sourceSchema>>;
  /** Of its rows in `source_pages`. */
  countPages: (condition: string) => Promise<number>;
  /** Of the source and its pages, queued or running. */
  countJobs: () => Promise<number>;
  /** For a gate of the site: the visits of the run, and not those of its survey, once so many pages have ended. */
  isVisiting: (ended?: number) => Promise<boolean>;
}

const sourceSchema = z.object({
  status: z.string(),
  documentCount: z.number(),
  chunkCount: z.number(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  lastSync: z.record(z.string(), z.union([z.number(), z.string()])).nullable(),
});

type CrawlContext = Pick<Chaos, 'cluster' | 'urls'>;

/** Adds the site as a source; its run begins at once. */
export async function addCrawl(chaos: CrawlContext, account: Account, site: GatedSite): Promise<Crawl> {
  const body = { type: 'url', url: site.url, crawl: { maxPages: site.paths.length, sitemap: false } };
  const reply = await account.send(chaos.urls[0], 'POST', `${account.project}/sources`, { body });
  const sourceId = z.object({ id: z.string() }).parse(reply.json()).id;
  account.accepted.sourceIds.push(sourceId);
  const path = `${account.project}/sources/${sourceId}`;
  const countPages = (condition: string) =>
    countRows(chaos.cluster, `source_pages where source_id = $1 and ${condition}`, [sourceId]);
  return {
    sourceId,
    sync: async () => {
      const { status, text } = await account.send(chaos.urls[0], 'POST', `${path}/sync`);
      if (status !== 202) throw new Error(`answered ${status}: ${text}`);
    },
    whenEnded: (timeoutMs = ENDED_MS) =>
      eventually(
        'the run to end',
        async () => {
          const source = sourceSchema.parse((await account.send(chaos.urls[0], 'GET', path)).json());
          return source.status === 'ready' || source.status === 'failed' ? source : null;
        },
        timeoutMs,
      ),
    countPages,
    countJobs: () =>
      countRows(chaos.cluster, `jobs where status in ('queued', 'running') and payload ->> 'sourceId' = $1`, [
        sourceId,
      ]),
    isVisiting: async (ended = 0) => {
      const isInPages = `sources where id = $1 and sync_phase = 'pages'`;
      if ((await countRows(chaos.cluster, isInPages, [sourceId])) === 0) return false;
      return (await countPages(`status <> 'queued'`)) >= ended;
    },
  };
}

/** Texts of a site that the model endpoint was given to embed again. */
export function countEmbeddedAgain({ openai }: Pick<Chaos, 'openai'>, name: string): number {
  const texts = openai.requests
    .filter(({ path }) => path.endsWith('/embeddings'))
    .flatMap(({ body }) => (Array.isArray(body['input']) ? (body['input'] as unknown[]) : [body['input']]))
    .filter((text) => typeof text === 'string' && text.includes(name));
  return texts.length - new Set(texts).size;
}
