import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import type { MessageTrace, TracedCandidate } from './trace.schemas.js';
import { insertTrace, listChunkTitles } from './traces.queries.js';

/** Keeps how an answer came about, its candidates with the documents that they are of. */
export async function storeTrace(
  tx: Pick<Context, 'db'>,
  scope: ProjectScope,
  messageId: string,
  trace: MessageTrace,
): Promise<void> {
  const lists = trace.queries.flatMap(({ keyword, semantic }) => [keyword ?? [], semantic ?? []]);
  const chunkIds = [trace.fusion.candidates, ...lists].flat().map(({ chunkId }) => chunkId);
  const documents = new Map(
    (await listChunkTitles(tx.db, scope, [...new Set(chunkIds)])).map((row) => [row.chunkId, row]),
  );
  const named = <C extends TracedCandidate>(candidate: C): C => {
    const { documentId = null, title = null } = documents.get(candidate.chunkId) ?? {};
    return { ...candidate, documentId, title };
  };
  const queries = trace.queries.map(({ keyword, semantic, ...query }) => ({
    ...query,
    keyword: keyword?.map(named) ?? null,
    semantic: semantic?.map(named) ?? null,
  }));
  const fusion = { ...trace.fusion, candidates: trace.fusion.candidates.map(named) };
  await insertTrace(tx.db, scope, messageId, { ...trace, queries, fusion });
}
