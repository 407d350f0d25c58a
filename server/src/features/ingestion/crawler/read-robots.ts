import { SourceError } from '#kernel/source-error.js';
import type { Context } from '#platform/context.js';
import { type CrawlHostRow, findCrawlHostOrNull, upsertCrawlHost } from './crawl-hosts.queries.js';
import { ALLOW_ALL, DISALLOW_ALL, type RobotsRules, parseRobots } from './robots-rules.js';

/** The name by which robots.txt files address us; the user agent of the page fetcher begins with it. */
export const PRODUCT_TOKEN = 'Botbase';
/** RFC 9309, 2.4: no older copy is used for more than a day. */
const MAX_AGE_MS = 24 * 3_600_000;
/** More than a parser has to read (RFC 9309, 2.5: 500 KiB), so that a large one can be cut. */
const MAX_BYTES = 4 * 1024 * 1024;
const UNREACHABLE = 0;

export interface HostRules {
  robots: RobotsRules;
  /** The host asked to be left alone until then. */
  blockedUntil: Date | null;
}

/**
 * What a page's host asks of crawlers: from the copy in the database, or read anew where that is older than `maxAgeMs`.
 * A host that cannot say it disallows everything until it can (RFC 9309, 2.3.1.4).
 * @throws SourceError `blocked_address`; AbortError
 */
export async function readRobots(
  ctx: Pick<Context, 'db' | 'pages' | 'clock'>,
  { url, maxAgeMs = MAX_AGE_MS }: { url: string; maxAgeMs?: number },
  signal: AbortSignal,
): Promise<HostRules> {
  const { origin } = new URL(url);
  const known = await findCrawlHostOrNull(ctx.db, origin);
  const now = ctx.clock.now();
  const isFresh = known !== null && now.getTime() - known.robotsReadAt.getTime() <= maxAgeMs;
  const blockedUntil = known?.blockedUntil ?? null;
  if (known !== null && isFresh && known.robotsStatus !== UNREACHABLE)
    return { robots: rulesOf(known), blockedUntil };
  const read = { origin, robotsReadAt: now, ...(await fetchRobots(ctx, origin, signal)) };
  await upsertCrawlHost(ctx.db, read);
  return { robots: rulesOf(read), blockedUntil };
}

function rulesOf({ robots, robotsStatus }: Pick<CrawlHostRow, 'robots' | 'robotsStatus'>): RobotsRules {
  if (robotsStatus === UNREACHABLE) return DISALLOW_ALL;
  return robotsStatus >= 400 ? ALLOW_ALL : parseRobots(robots, PRODUCT_TOKEN);
}

async function fetchRobots(
  ctx: Pick<Context, 'pages'>,
  origin: string,
  signal: AbortSignal,
): Promise<{ robots: string; robotsStatus: number }> {
  try {
    const page = await ctx.pages.fetch({ url: `${origin}/robots.txt`, maxBytes: MAX_BYTES }, signal);
    // PostgreSQL takes no NUL, and no rule holds one.
    return { robots: new TextDecoder().decode(page.body).replaceAll('\0', ''), robotsStatus: 200 };
  } catch (error) {
    if (!(error instanceof SourceError) || error.reason === 'blocked_address') throw error;
    const status = Number(/^http_(4\d\d)$/.exec(error.reason)?.[1] ?? UNREACHABLE);
    // A crowded server is not one without rules.
    return { robots: '', robotsStatus: status === 429 ? UNREACHABLE : status };
  }
}
