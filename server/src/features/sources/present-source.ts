import type { z } from 'zod';
import type { SourceRow } from './sources.queries.js';
import type { sourceSchema } from './sources.schemas.js';

/** A source as the API shows it. */
export function presentSource(row: SourceRow): z.infer<typeof sourceSchema> {
  const { origin, ...source } = row;
  return {
    ...source,
    url: origin.type === 'url' ? origin.url : null,
    crawl: origin.type === 'url' ? (origin.crawl ?? null) : null,
    pairCount: origin.type === 'qa' ? origin.pairCount : null,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    lastSyncedAt: row.lastSyncedAt?.toISOString() ?? null,
    nextSyncAt: row.nextSyncAt?.toISOString() ?? null,
  };
}
