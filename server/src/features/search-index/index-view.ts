import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { CHUNK_ID_BYTES } from './chunk-ids.js';
import { type VisibleSegmentRow, findVisibleSegmentsOrNull } from './search-index.queries.js';

/** A visible segment without its postings. */
interface SegmentView {
  id: string;
  language: string;
  documentCount: number;
  lengthSum: number;
  chunkIds: Uint8Array;
  lengths: Uint16Array;
  /** By ordinal, 1: a chunk that is in no visible run. Null: all can be seen. */
  dead: Uint8Array | null;
  runs: readonly { documentId: string; first: number; count: number }[];
}

/** What a search has to know of a project's index beside postings: of one state of it. */
export interface IndexView {
  /** The project's `index_version`: it rises in every transaction that changes what can be seen. */
  version: number;
  segments: readonly SegmentView[];
  /** How many visible chunks are in a language, the most frequent first. */
  languages: ReadonlyMap<string, number>;
  /** By the forms of a word: words of this state's vocabulary that are spelled alike. */
  variants: Map<string, readonly { term: string; weight: number }[]>;
}

/** An object with its numbers and its id. */
const RUN_BYTES = 120;
/** Variants of so many words are remembered, of 40 terms each at most. */
export const REMEMBERED_WORDS = 500;
const VARIANTS_BYTES = 1_000_000;

type ViewContext = Pick<Context, 'db' | 'searchMemory'>;

/** The view that was kept; it may be of a state that has passed. */
export function recallIndexView(ctx: ViewContext, scope: ProjectScope): IndexView | undefined {
  return ctx.searchMemory.recall(keyOf(scope)) as IndexView | undefined;
}

/** Reads the present state, without what the view before it has of the same segments; null: no such project. */
export async function readIndexView(ctx: ViewContext, scope: ProjectScope): Promise<IndexView | null> {
  const known = new Map(
    (recallIndexView(ctx, scope)?.segments ?? []).map((segment) => [segment.id, segment]),
  );
  const found = await findVisibleSegmentsOrNull(ctx.db, scope, [...known.keys()]);
  if (found === null) return null;
  const segments = found.segments.map((row) => viewOf(row, known.get(row.id)));
  const view = { version: found.version, segments, languages: languagesOf(segments), variants: new Map() };
  ctx.searchMemory.keep(keyOf(scope), view, bytesOf(view));
  return view;
}

function keyOf(scope: ProjectScope): string {
  return `index view of ${scope.projectId}`;
}

function viewOf(row: VisibleSegmentRow, known: SegmentView | undefined): SegmentView {
  const { id, language, chunkCount, lengthSum } = row;
  const chunkIds = row.chunkIds ?? known?.chunkIds ?? new Uint8Array();
  // A copy: the driver's buffers are not aligned to 2 bytes.
  const lengths =
    row.lengths === null
      ? (known?.lengths ?? new Uint16Array())
      : new Uint16Array(Uint8Array.from(row.lengths).buffer);
  const runs =
    row.documentId === null
      ? (row.firstOrdinals ?? []).map((first, index) => ({
          documentId: row.runDocuments?.[index] ?? '',
          first,
          count: row.runLengths?.[index] ?? 0,
        }))
      : [{ documentId: row.documentId, first: 0, count: lengths.length }];
  const isWhole = chunkCount === lengths.length;
  const dead = isWhole ? null : hiddenOutside(runs, lengths.length);
  return { id, language, documentCount: chunkCount, lengthSum, chunkIds, lengths, dead, runs };
}

/** By ordinal, 1: in none of the runs. */
export function hiddenOutside(runs: Iterable<{ first: number; count: number }>, count: number): Uint8Array {
  const hidden = new Uint8Array(count).fill(1);
  for (const run of runs) hidden.fill(0, run.first, run.first + run.count);
  return hidden;
}

function languagesOf(segments: readonly SegmentView[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { language, documentCount } of segments) {
    counts.set(language, (counts.get(language) ?? 0) + documentCount);
  }
  return new Map([...counts].toSorted((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)));
}

function bytesOf({ segments }: Pick<IndexView, 'segments'>): number {
  return segments.reduce(
    (sum, { lengths, runs }) => sum + lengths.length * (CHUNK_ID_BYTES + 3) + runs.length * RUN_BYTES,
    VARIANTS_BYTES,
  );
}
