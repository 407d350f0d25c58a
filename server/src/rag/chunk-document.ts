import { lineStarts, splitBlocks } from './blocks.js';
import type { Block, TextFormat } from './blocks.js';
import { countTokens } from './count-tokens.js';
import { intelligentChunk, packUnits } from './intelligent-chunk.js';
import type { ChunkSizes } from './intelligent-chunk.js';
import { splitSentences, trimSpan } from './sentences.js';
import type { Span } from './sentences.js';

export interface ChunkableDocument {
  content: string;
  format: TextFormat;
  /** Pages in order, each with the offset in `content` at which it starts; empty where there are none. */
  pages: readonly { page: number; start: number }[];
}

/** A piece of a document: `content === document.content.slice(start, end)`, in UTF-16 units. */
export interface Chunk {
  index: number;
  start: number;
  end: number;
  content: string;
  /** The page on which the chunk starts. */
  page: number | null;
  /** The headings that the chunk stands under, the outermost first. */
  headings: string[];
  tokenCount: number;
}

const DEFAULT_CHUNK_TOKENS = 350;
const DEFAULT_OVERLAP_TOKENS = 40;
/** A chunk below this share of the limit is joined with the section after it, if both have a heading above them. */
const SMALL_CHUNK_SHARE = 0.2;

interface Piece extends Span {
  kind: Block['kind'];
  headings: string[];
  level: number;
  tokenCount: number;
}

/**
 * Cuts a document into chunks: sections first, then blocks, then sentences. Lists, tables and code stay whole where
 * they fit; a chunk that follows another of its section repeats the last sentences of the paragraph before it.
 * @param options `maxTokens` of a chunk, `overlapTokens` between two chunks of one section. Linear in the content.
 */
export function chunkDocument(document: ChunkableDocument, options: Partial<ChunkSizes> = {}): Chunk[] {
  const maxTokens = options.maxTokens ?? DEFAULT_CHUNK_TOKENS;
  const sizes = {
    maxTokens,
    overlapTokens: Math.min(options.overlapTokens ?? DEFAULT_OVERLAP_TOKENS, Math.floor(maxTokens / 2)),
  };
  const chunks: Chunk[] = [];
  let pageIndex = -1;
  for (const { start, end, headings } of packPieces(document, sizes)) {
    while ((document.pages[pageIndex + 1]?.start ?? Infinity) <= start) pageIndex += 1;
    const content = document.content.slice(start, end);
    chunks.push({
      index: chunks.length,
      start,
      end,
      content,
      page: document.pages[pageIndex]?.page ?? null,
      headings,
      tokenCount: countTokens(content),
    });
  }
  return chunks;
}

function* packPieces(
  document: ChunkableDocument,
  sizes: ChunkSizes,
): Generator<Span & { headings: string[] }> {
  const smallTokens = sizes.maxTokens * SMALL_CHUNK_SHARE;
  let held: Piece[] = [];
  let start = 0;
  let tokenCount = 0;

  for (const piece of splitPieces(document, sizes)) {
    const last = held.at(-1);
    const isFull = tokenCount + piece.tokenCount > sizes.maxTokens;
    if (last !== undefined && (isFull || startsChunk(piece, held, tokenCount < smallTokens))) {
      // A heading that closes a chunk belongs to what follows it.
      const kept = trailingHeadings(held);
      const closed = held.slice(0, held.length - kept.length);
      const keptTokens = sumTokens(kept);
      const keepsHeadings = closed.length > 0 && keptTokens + piece.tokenCount <= sizes.maxTokens;
      const done = keepsHeadings ? closed : held;
      yield { start, end: done.at(-1)!.end, headings: sharedHeadings(done) };
      held = keepsHeadings ? kept : [];
      tokenCount = keepsHeadings ? keptTokens : 0;
      start = held[0]?.start ?? piece.start;
      if (held.length === 0 && isFull) {
        const overlap = overlapStart(document.content, last, piece, sizes);
        start = overlap.start;
        tokenCount = overlap.tokenCount;
      }
    }
    if (held.length === 0 && last === undefined) start = piece.start;
    held.push(piece);
    tokenCount += piece.tokenCount;
  }
  const last = held.at(-1);
  if (last !== undefined) yield { start, end: last.end, headings: sharedHeadings(held) };
}

/** Whether a heading begins a new chunk rather than joining the small one before it. */
function startsChunk(piece: Piece, held: readonly Piece[], isSmall: boolean): boolean {
  if (piece.kind !== 'heading') return false;
  if (held.every(({ kind }) => kind === 'heading')) return false;
  const first = held[0]!;
  const isUpwards = first.kind === 'heading' ? piece.level < first.level : first.headings.length > 0;
  const isTopmost = piece.headings.length <= 1;
  return !isSmall || isUpwards || isTopmost;
}

function trailingHeadings(held: readonly Piece[]): Piece[] {
  const lastBody = held.findLastIndex(({ kind }) => kind !== 'heading');
  return held.slice(lastBody + 1);
}

function sumTokens(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { tokenCount }) => sum + tokenCount, 0);
}

/** The headings that all text of a chunk stands under. */
function sharedHeadings(pieces: readonly Piece[]): string[] {
  const bodies = pieces.filter(({ kind }) => kind !== 'heading');
  const [first, ...rest] = bodies.length > 0 ? bodies : pieces.slice(-1);
  let shared = first?.headings ?? [];
  for (const { headings } of rest) {
    if (headings === shared) continue;
    const difference = shared.findIndex((heading, depth) => heading !== headings[depth]);
    if (difference !== -1) shared = shared.slice(0, difference);
  }
  return shared;
}

/** Where the next chunk starts when it repeats the last sentences of the paragraph before it. */
function overlapStart(
  content: string,
  last: Piece,
  piece: Piece,
  { maxTokens, overlapTokens }: ChunkSizes,
): { start: number; tokenCount: number } {
  const none = { start: piece.start, tokenCount: 0 };
  const isSameSection =
    last.kind === 'paragraph' && piece.kind !== 'heading' && last.headings === piece.headings;
  if (!isSameSection || overlapTokens === 0 || piece.start < last.end) return none;
  const allowed = Math.min(overlapTokens, maxTokens - piece.tokenCount);
  let result = none;
  for (const sentence of splitSentences(content.slice(last.start, last.end)).toReversed()) {
    const start = last.start + sentence.start;
    const tokenCount = countTokens(content.slice(start, last.end)) + 1;
    if (tokenCount > allowed || start === last.start) break;
    result = { start, tokenCount };
  }
  return result;
}

/** Blocks, those above the limit cut: tables between rows, code and lists between lines, text between sentences. */
function* splitPieces(document: ChunkableDocument, sizes: ChunkSizes): Generator<Piece> {
  const { content, format } = document;
  const path: { level: number; title: string }[] = [];
  let headings: string[] = [];
  let previousEnd = 0;
  for (const block of splitBlocks(content, format)) {
    if (block.kind === 'heading') {
      while ((path.at(-1)?.level ?? 0) >= block.level) path.pop();
      if (block.title !== '') path.push({ level: block.level, title: block.title });
      headings = path.map(({ title }) => title);
    }
    const whole = { kind: block.kind, level: block.level, headings };
    // White space before a block counts too, since it stands in the chunk that joins both.
    const gapStart = previousEnd;
    const tokenCount = countTokens(content.slice(gapStart, block.end));
    previousEnd = block.end;
    if (tokenCount <= sizes.maxTokens) {
      yield { ...whole, start: block.start, end: block.end, tokenCount };
      continue;
    }
    let countedEnd = gapStart;
    for (const span of cutBlock(content, block, sizes)) {
      const countedStart = Math.min(countedEnd, span.start);
      yield { ...whole, ...span, tokenCount: countTokens(content.slice(countedStart, span.end)) + 1 };
      countedEnd = span.end;
    }
  }
}

function cutBlock(content: string, block: Block, sizes: ChunkSizes): Span[] {
  if (block.kind === 'paragraph' || block.kind === 'heading') return cutText(content, block, sizes);
  const starts = lineStarts(content, block.start, block.end);
  const units = starts.flatMap((start, index) => {
    const line = { start, end: starts[index + 1] === undefined ? block.end : starts[index + 1]! - 1 };
    const tokenCount = countTokens(content.slice(line.start, line.end)) + 1;
    if (trimSpan(content, line) === null) return [];
    if (tokenCount <= sizes.maxTokens) return [{ ...line, tokenCount }];
    return cutText(content, line, { ...sizes, overlapTokens: 0 }).map(({ start: from, end }) => ({
      start: from,
      end,
      tokenCount: countTokens(content.slice(from, end)) + 1,
    }));
  });
  return packUnits(units, { ...sizes, overlapTokens: 0 });
}

function cutText(content: string, { start, end }: Span, sizes: ChunkSizes): Span[] {
  return intelligentChunk(content.slice(start, end), sizes).map((span) => ({
    start: start + span.start,
    end: start + span.end,
  }));
}
