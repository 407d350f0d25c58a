import { eq, sql } from 'drizzle-orm';
import { crawlHosts } from '#db/schema/crawl-hosts.js';
import type { Database } from '#platform/database.js';

export type CrawlHostRow = typeof crawlHosts.$inferSelect;

export async function findCrawlHostOrNull(db: Database, origin: string): Promise<CrawlHostRow | null> {
  const [row] = await db.select().from(crawlHosts).where(eq(crawlHosts.origin, origin));
  return row ?? null;
}

export async function upsertCrawlHost(
  db: Database,
  host: Pick<CrawlHostRow, 'origin' | 'robots' | 'robotsStatus' | 'robotsReadAt'>,
): Promise<void> {
  const { origin: _origin, ...known } = host;
  await db.insert(crawlHosts).values(host).onConflictDoUpdate({ target: crawlHosts.origin, set: known });
}

/** Nobody visits the host before `until`, if that is later than what it asked for before. */
export async function blockCrawlHost(db: Database, origin: string, until: Date): Promise<void> {
  await db
    .update(crawlHosts)
    .set({ blockedUntil: sql`greatest(${crawlHosts.blockedUntil}, ${until.toISOString()}::timestamptz)` })
    .where(eq(crawlHosts.origin, origin));
}

/**
 * Reserves visits that keep a distance from each other and from all that are planned already.
 * @returns the moment of the first; the others follow at `delayMs`
 */
export async function reserveVisits(
  db: Database,
  visits: { origin: string; count: number; delayMs: number; now: Date },
): Promise<Date> {
  const distance = sql`${visits.count}::int * ${visits.delayMs}::int * interval '1 millisecond'`;
  const first = sql`greatest(${crawlHosts.nextVisitAt}, ${visits.now.toISOString()}::timestamptz)`;
  const [row] = await db
    .update(crawlHosts)
    .set({ nextVisitAt: sql`${first} + ${distance}` })
    .where(eq(crawlHosts.origin, visits.origin))
    .returning({ end: crawlHosts.nextVisitAt });
  const end = row?.end ?? new Date(visits.now.getTime() + visits.count * visits.delayMs);
  return new Date(end.getTime() - visits.count * visits.delayMs);
}
