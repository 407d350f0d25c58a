import type { Notice } from '#db/schema/conversations.js';
import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { INSTRUCTION_LIMIT, scoreInstructions } from '#rag/instruction-score.js';
import { answerOptionsOf } from '#features/projects/project-options.js';
import type { Passage, RetrievalResult } from '#features/retrieval/retrieve-passages.js';
import type { ChatProject } from './chat.queries.js';

export interface ScreenedPassages extends Pick<RetrievalResult, 'passages' | 'relevance'> {
  /** Chunks that read like orders to a model, whether they were kept or left out. */
  instructionChunkIds: string[];
  /** For members alone: a visitor must not learn which attack is seen. */
  notice: Notice | null;
}

/**
 * Looks at what was found for orders to a model. They are logged and told to members; where the project wants them
 * in quarantine they are left out, and the relevance is that of what remains.
 */
export function screenInstructions(
  ctx: Pick<Context, 'log'>,
  scope: ProjectScope,
  { project, found }: { project: ChatProject; found: RetrievalResult },
): ScreenedPassages {
  const instructionChunkIds = found.passages.filter(readsLikeOrders).map(({ chunkId }) => chunkId);
  const { passages, relevance } = found;
  if (instructionChunkIds.length === 0) return { passages, relevance, instructionChunkIds, notice: null };
  const isQuarantined = answerOptionsOf(project.answerOptions).instructions === 'quarantine';
  ctx.log.warn(
    { project: scope.projectId, chunks: instructionChunkIds, isQuarantined },
    'passages that were found read like orders to a model',
  );
  const notice =
    scope.memberRole === null ? null : instructionsFound(instructionChunkIds.length, isQuarantined);
  if (!isQuarantined) return { passages, relevance, instructionChunkIds, notice };
  const kept = passages.filter((passage) => !readsLikeOrders(passage));
  const best = Math.max(0, ...kept.map(({ score, keyword }) => Math.max(score, keyword ?? 0)));
  return { passages: kept, relevance: Math.min(relevance, best), instructionChunkIds, notice };
}

/** Chunks that were indexed before there was a score are looked at here. */
export function readsLikeOrders({
  instructionScore,
  text,
}: Pick<Passage, 'instructionScore' | 'text'>): boolean {
  return (instructionScore ?? scoreInstructions(text)) >= INSTRUCTION_LIMIT;
}

function instructionsFound(count: number, isQuarantined: boolean): Notice {
  const passages = count === 1 ? 'A passage that was found reads' : `${count} passages that were found read`;
  const end = isQuarantined ? 'and was kept out of the answer' : 'and is treated as data';
  return { code: 'instructions_found', message: `${passages} like orders to a model ${end}.` };
}
