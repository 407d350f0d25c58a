import type { SegmentSize } from './search-index.queries.js';

/**
 * What a merge reads and writes stays small: of this size a segment is about 1 MB of postings, and its switch moves so
 * many parts at most. 100,000 chunks make 20 to 40 such segments.
 */
const MAX_SEGMENT_CHUNKS = 5_000;
/** Fewer are not worth the writing. */
const MIN_MERGED_SEGMENTS = 8;
/** The switch from the old segments to the new one touches so many rows at most. */
const MAX_MERGED_SEGMENTS = 500;
/** From this share of dead chunks on a segment is written anew. */
const DEAD_SHARE = 0.2;

/**
 * The segments that are best merged into one now, smallest first; empty when there is nothing to gain. A segment is
 * merged only with others that together are as large, so that a chunk is rewritten a logarithmic number of times.
 */
export function chooseSegments(segments: readonly SegmentSize[]): string[] {
  for (const group of groupsOf(segments)) {
    const chosen = mergeable(group);
    if (chosen.length >= MIN_MERGED_SEGMENTS) return chosen.map(({ id }) => id);
  }
  const wasteful = segments.find(
    ({ chunkCount, visibleCount }) =>
      chunkCount - visibleCount >= DEAD_SHARE * chunkCount && visibleCount > 0,
  );
  return wasteful === undefined ? [] : [wasteful.id];
}

/** Segments that may be merged at all: of one analyzer and one language. */
function groupsOf(segments: readonly SegmentSize[]): SegmentSize[][] {
  const groups = new Map<string, SegmentSize[]>();
  for (const segment of segments) {
    const key = `${segment.analyzerVersion} ${segment.language}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [segment]);
    else group.push(segment);
  }
  return [...groups.values()];
}

function mergeable(group: readonly SegmentSize[]): SegmentSize[] {
  const ascending = group.toSorted((a, b) => a.visibleCount - b.visibleCount || (a.id < b.id ? -1 : 1));
  const chosen: SegmentSize[] = [];
  let count = 0;
  for (const segment of ascending.slice(0, MAX_MERGED_SEGMENTS)) {
    if (count + segment.visibleCount > MAX_SEGMENT_CHUNKS) break;
    chosen.push(segment);
    count += segment.visibleCount;
  }
  for (let last = chosen.at(-1); last !== undefined; last = chosen.at(-1)) {
    if (last.visibleCount <= count - last.visibleCount) break;
    chosen.pop();
    count -= last.visibleCount;
  }
  return chosen;
}
