import { type Posting, decodePostings, encodePostings } from '#rag/postings.js';
import { CHUNK_ID_BYTES } from './chunk-ids.js';
import type { PostingRow } from './search-index.queries.js';

/** A run of chunks of one document version. */
interface SegmentRun {
  documentId: string;
  version: number;
  firstOrdinal: number;
  chunkCount: number;
}

/** A segment to be merged, with those of its runs that can be seen, in order. */
export interface MergeSource {
  id: string;
  analyzerVersion: number;
  language: string;
  chunkIds: Uint8Array;
  lengths: Uint16Array;
  runs: SegmentRun[];
}

/** A run in a new segment, and the run that it is of: as its segment has it, or a part of that. */
export interface MovedRun extends SegmentRun {
  lengthSum: number;
  source: { id: string; firstOrdinal: number };
}

export interface CombinedSegment {
  chunkIds: Uint8Array;
  lengths: Uint16Array;
  runs: MovedRun[];
}

/** Lays the visible chunks of segments one behind the other, in the order of `sources`. */
export function combineSegments(sources: readonly MergeSource[]): CombinedSegment {
  const count = sources.flatMap(({ runs }) => runs).reduce((sum, { chunkCount }) => sum + chunkCount, 0);
  const chunkIds = new Uint8Array(count * CHUNK_ID_BYTES);
  const lengths = new Uint16Array(count);
  const runs: MovedRun[] = [];
  let next = 0;
  for (const source of sources) {
    for (const run of source.runs) {
      const end = run.firstOrdinal + run.chunkCount;
      const runLengths = source.lengths.subarray(run.firstOrdinal, end);
      lengths.set(runLengths, next);
      const ids = source.chunkIds.subarray(run.firstOrdinal * CHUNK_ID_BYTES, end * CHUNK_ID_BYTES);
      chunkIds.set(ids, next * CHUNK_ID_BYTES);
      runs.push({
        ...run,
        firstOrdinal: next,
        lengthSum: runLengths.reduce((sum, length) => sum + length, 0),
        source: { id: source.id, firstOrdinal: run.firstOrdinal },
      });
      next += run.chunkCount;
    }
  }
  return { chunkIds, lengths, runs };
}

/** Posting lists of a merged segment, gathered from those of its sources in their order. */
export class PostingCollector {
  readonly #lists = new Map<string, Posting[]>();
  readonly #moves = new Map<string, Int32Array>();

  constructor(sources: readonly MergeSource[], { runs }: CombinedSegment) {
    for (const { id, lengths } of sources) this.#moves.set(id, new Int32Array(lengths.length).fill(-1));
    for (const { source, firstOrdinal, chunkCount } of runs) {
      const moved = this.#moves.get(source.id)!;
      for (let index = 0; index < chunkCount; index += 1) {
        moved[source.firstOrdinal + index] = firstOrdinal + index;
      }
    }
  }

  add(sourceId: string, term: string, data: Uint8Array): void {
    const moved = this.#moves.get(sourceId);
    if (moved === undefined) return;
    const list = this.#lists.get(term) ?? [];
    decodePostings(data, (ordinal, frequency) => {
      const movedTo = moved[ordinal] ?? -1;
      if (movedTo >= 0) list.push({ ordinal: movedTo, frequency });
    });
    if (list.length > 0) this.#lists.set(term, list);
  }

  *rows(): Generator<PostingRow> {
    for (const [term, list] of this.#lists) {
      yield { term, documentFrequency: list.length, data: encodePostings(list) };
    }
  }
}
