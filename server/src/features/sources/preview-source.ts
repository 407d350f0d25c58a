import { Readable } from 'node:stream';
import type { CrawlSettings } from '#db/schema/sources.js';
import { assertNever } from '#kernel/assert-never.js';
import { SourceError } from '#kernel/source-error.js';
import type { Context } from '#platform/context.js';
import type { ExtractedDocument } from '#platform/ports/document-extractor.js';
import type { ProjectScope } from '#platform/scope.js';
import { type PreviewedVisit, previewCrawl } from '#features/ingestion/crawler/preview-crawl.js';
import { extractTypedText } from '#features/ingestion/extract-typed-text.js';
import { readPairs } from '#features/ingestion/readers/qa-reader.js';
import { embeddingCost } from '#features/usage/embedding-cost.js';
import { findPages } from '#features/usage/limit-pages.js';
import { COST_CURRENCY } from '#features/usage/message-cost.js';
import { noBrowser } from './create-source.js';
import type { CreateSourceInput, SourcePreview } from './sources.schemas.js';
import type { StoredUpload } from './upload-source.js';

const MAX_PAGES = 50;
const MAX_MS = 30_000;
const COST_DECIMALS = 9;
const SINGLE_PAGE: CrawlSettings = {
  maxPages: 1,
  maxDepth: 0,
  include: [],
  exclude: [],
  sitemap: false,
  render: false,
};

type PreviewContext = Pick<
  Context,
  'db' | 'clock' | 'pages' | 'renderer' | 'extractor' | 'embedder' | 'storage' | 'log'
>;
type PreviewInput = CreateSourceInput | { type: 'file'; upload: StoredUpload };
type ReadPreview = Omit<SourcePreview, 'pagesLeft'>;
type PreviewedPage = SourcePreview['pages'][number];

/**
 * Reads a source as its indexing would, and stores nothing: which pages there are, how much text, in which language,
 * and what embedding it would cost. At most 50 pages or 30 seconds of a website.
 * @throws SourceError when there is nothing to see; AppError `not_configured`
 */
export async function previewSource(
  ctx: PreviewContext,
  scope: ProjectScope,
  input: PreviewInput,
  signal: AbortSignal,
): Promise<SourcePreview> {
  const read = await readPreview(ctx, scope, input, signal);
  const held = await findPages(ctx, scope, null);
  const pagesLeft = held === null ? null : Math.max(0, held.limit - held.visible - held.waiting);
  return { ...read, pagesLeft };
}

async function readPreview(
  ctx: PreviewContext,
  scope: ProjectScope,
  input: PreviewInput,
  signal: AbortSignal,
): Promise<ReadPreview> {
  switch (input.type) {
    case 'url': {
      if (input.crawl?.render === true && ctx.renderer === null) throw noBrowser();
      return previewWebsite(ctx, scope, input, signal);
    }
    case 'qa': {
      const { extracted } = readPairs(input.name, input.pairs);
      return summarize(ctx, [describeRead(ctx, input.name, extracted)], false);
    }
    case 'text': {
      const { name, text } = input;
      const owner = scope.projectId;
      const typed = { body: Readable.from([text]), bytes: Buffer.byteLength(text), owner };
      return summarize(ctx, [describeRead(ctx, name, await extractTypedText(ctx, typed, signal))], false);
    }
    case 'file': {
      const { fileKey, fileName, mediaType, bytes } = input.upload;
      const body = await ctx.storage.read(fileKey);
      const extracted = await ctx.extractor.extract(
        { body, bytes, kind: 'file', owner: scope.projectId, fileName, mediaType },
        signal,
      );
      return summarize(ctx, [{ ...describeRead(ctx, fileName, extracted), bytes }], false);
    }
    default:
      return assertNever(input);
  }
}

async function previewWebsite(
  ctx: PreviewContext,
  scope: ProjectScope,
  input: Extract<CreateSourceInput, { type: 'url' }>,
  signal: AbortSignal,
): Promise<ReadPreview> {
  const isSingle = input.crawl === undefined;
  const site = { url: input.url, crawl: input.crawl ?? SINGLE_PAGE, owner: scope.projectId, isSingle };
  const crawl = previewCrawl(ctx, site, { maxPages: MAX_PAGES, maxMs: MAX_MS }, signal);
  const pages: PreviewedPage[] = [];
  for (;;) {
    const next = await crawl.next();
    if (next.done === true) return summarize(ctx, pages, next.value.isTruncated);
    pages.push(describeVisit(ctx, next.value));
  }
}

function describeVisit(ctx: PreviewContext, { url, visit }: PreviewedVisit): PreviewedPage {
  if (visit instanceof SourceError)
    return { ...NOTHING, url, status: 'failed', reason: visit.reason, detail: visit.message };
  if (visit.type === 'read')
    return {
      ...describeRead(ctx, url, visit.extracted),
      url,
      title: visit.extracted.title,
      bytes: visit.bytes,
    };
  const isSkipped = visit.type === 'skipped';
  return {
    ...NOTHING,
    url,
    status: 'skipped',
    reason: isSkipped ? visit.reason : null,
    detail: isSkipped ? visit.detail : null,
    bytes: visit.bytes,
  };
}

const NOTHING: Omit<PreviewedPage, 'status'> = {
  url: null,
  title: null,
  reason: null,
  detail: null,
  bytes: null,
  characters: 0,
  language: null,
  chunkCount: 0,
  tokens: 0,
  cost: '0',
};

function describeRead(
  ctx: Pick<Context, 'embedder'>,
  name: string | null,
  { title, content, language, chunks }: ExtractedDocument,
): PreviewedPage {
  const tokens = chunks.reduce((sum, { tokenCount }) => sum + tokenCount, 0);
  return {
    ...NOTHING,
    title: title ?? name,
    status: 'indexed',
    bytes: Buffer.byteLength(content),
    characters: content.length,
    language,
    chunkCount: chunks.length,
    tokens,
    cost: costOf(ctx, tokens),
  };
}

function summarize(ctx: Pick<Context, 'embedder'>, pages: PreviewedPage[], truncated: boolean): ReadPreview {
  const indexed = pages.filter(({ status }) => status === 'indexed');
  const sum = (numberOf: (page: PreviewedPage) => number) =>
    indexed.reduce((total, page) => total + numberOf(page), 0);
  const tokens = sum((page) => page.tokens);
  return {
    pages,
    totals: {
      pages: indexed.length,
      bytes: sum(({ bytes }) => bytes ?? 0),
      characters: sum(({ characters }) => characters),
      chunks: sum(({ chunkCount }) => chunkCount),
      tokens,
      cost: costOf(ctx, tokens),
      currency: COST_CURRENCY,
    },
    truncated,
  };
}

function costOf({ embedder }: Pick<Context, 'embedder'>, tokens: number): string {
  const cost = embedder === null ? 0 : embeddingCost(embedder.model, tokens);
  return cost === 0 ? '0' : cost.toFixed(COST_DECIMALS);
}
