import type { Embedder } from '#platform/ports/embedder.js';
import type { RetrievalOptions } from '#db/schema/projects.js';
import type { ChunkWithDocument, RetrievalSettings } from './retrieval.queries.js';
import type { SearchFilter } from './search-filter.queries.js';

export interface Focus {
  text: string;
  /** What has nothing of it is not about the query at all. */
  isNeeded: boolean;
}

/** All that decides what a search finds in one state of the index. */
export interface Search {
  /** Normalized: what is searched for is the same for all who ask nearly the same. */
  query: string;
  /** The part of the query that passages should be about in particular; normalized too. */
  focus: Focus | null;
  /** SHA-256 of the query, and of the question as it was asked, as they are compared with those that have an answer. */
  questionKeys: string[];
  topK: number;
  mode: RetrievalSettings['retrieval'];
  minScore: number;
  options: Omit<RetrievalOptions, 'followUps'>;
  filter: SearchFilter | undefined;
  /** Who writes other wordings and translations; null: nobody does. */
  model: string | null;
}

/** Objects, numbers and ids of one passage in memory. */
const PASSAGE_BYTES = 600;
/** A candidate that is kept for the trace. */
const CANDIDATE_BYTES = 100;
const RESULT_BYTES = 1_000;
/** A string that holds a character beyond Latin-1 takes two bytes for each of its characters. */
const CHARACTER_BYTES = 2;

/**
 * Names all that a search's result depends on: the project, the state of its index, the models, the settings and the
 * query. JSON keeps the parts apart, whatever they hold.
 */
export function searchKey(input: {
  projectId: string;
  indexVersion: number;
  embedder: Pick<Embedder, 'model' | 'dimensions'> | null;
  search: Search;
}): string {
  const { projectId, indexVersion, embedder, search } = input;
  const { mode, topK, minScore, query, focus, questionKeys, filter, model } = search;
  const { fusion, semanticWeight, expansion, rerank, translate } = search.options;
  const vectors = embedder === null ? null : [embedder.model, embedder.dimensions];
  const options = [fusion, semanticWeight, expansion, rerank, translate];
  return JSON.stringify([
    [projectId, indexVersion, vectors, model],
    [mode, topK, minScore, options, filter],
    [query, focus, questionKeys],
  ]);
}

/** Estimated bytes of a kept result with its key. */
export function resultBytes(
  key: string,
  { passages, candidates }: { passages: readonly Readonly<ChunkWithDocument>[]; candidates: number },
): number {
  let characters = key.length;
  for (const { text, title, url, heading } of passages) {
    characters += text.length + title.length + (url?.length ?? 0) + (heading?.length ?? 0);
  }
  return (
    RESULT_BYTES +
    passages.length * PASSAGE_BYTES +
    candidates * CANDIDATE_BYTES +
    characters * CHARACTER_BYTES
  );
}
