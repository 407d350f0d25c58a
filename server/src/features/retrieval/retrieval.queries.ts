import { type SQL, and, desc, eq, getTableColumns, gt, inArray, sql } from 'drizzle-orm';
import { documentChunks, documents, questionAnswers } from '#db/schema/documents.js';
import { projects } from '#db/schema/projects.js';
import { sources } from '#db/schema/sources.js';
import { AppError } from '#kernel/app-error.js';
import type { Database } from '#platform/database.js';
import type { ProjectScope } from '#platform/scope.js';

export type RetrievalSettings = Pick<
  typeof projects.$inferSelect,
  'topK' | 'retrieval' | 'language' | 'indexVersion' | 'embeddingModel' | 'retrievalOptions' | 'modelMini'
>;

/** @throws AppError `not_found` */
export async function findRetrievalSettings(db: Database, scope: ProjectScope): Promise<RetrievalSettings> {
  const { topK, retrieval, language, indexVersion, embeddingModel, retrievalOptions, modelMini } =
    getTableColumns(projects);
  const [row] = await db
    .select({ topK, retrieval, language, indexVersion, embeddingModel, retrievalOptions, modelMini })
    .from(projects)
    .where(eq(projects.id, scope.projectId));
  if (row === undefined) throw new AppError('not_found', 'There is no such project.');
  return row;
}

export interface ChunkWithDocument {
  chunkId: string;
  documentId: string;
  sourceId: string;
  title: string;
  url: string | null;
  language: string;
  text: string;
  start: number;
  page: number | null;
  heading: string | null;
  /** How much the text reads like orders to a model, 0 to 1; null: not looked at. */
  instructionScore: number | null;
}

export function listVisibleChunks(
  db: Database,
  scope: ProjectScope,
  chunkIds: string[],
): Promise<ChunkWithDocument[]> {
  return db
    .select({
      chunkId: documentChunks.id,
      documentId: documents.id,
      sourceId: documents.sourceId,
      title: documents.title,
      url: documents.url,
      language: documents.language,
      text: documentChunks.content,
      start: documentChunks.startOffset,
      page: documentChunks.page,
      heading: documentChunks.heading,
      instructionScore: documentChunks.instructionScore,
    })
    .from(documentChunks)
    .innerJoin(documents, isVisibleChunk())
    .where(and(eq(documentChunks.projectId, scope.projectId), inArray(documentChunks.id, chunkIds)));
}

/** Languages of a project's visible text, the most frequent first. */
export async function listLanguages(db: Database, scope: ProjectScope): Promise<string[]> {
  const rows = await db
    .select({ language: documents.language })
    .from(documents)
    .where(and(eq(documents.projectId, scope.projectId), gt(documents.liveVersion, 0)))
    .groupBy(documents.language)
    .orderBy(sql`sum(${documents.chunkCount}) desc`, documents.language);
  return rows.map(({ language }) => language);
}

/** The visible chunk that answers one of these very questions, the newest where several do; null: none does. */
export async function findQuestionAnswerOrNull(
  db: Database,
  scope: ProjectScope,
  { questionKeys, filter }: { questionKeys: string[]; filter: SQL | undefined },
): Promise<{ chunkId: string; answerStart: number } | null> {
  const [row] = await db
    .select({ chunkId: questionAnswers.chunkId, answerStart: questionAnswers.answerStart })
    .from(questionAnswers)
    .innerJoin(
      documentChunks,
      and(
        eq(documentChunks.projectId, questionAnswers.projectId),
        eq(documentChunks.id, questionAnswers.chunkId),
      ),
    )
    .innerJoin(documents, isVisibleChunk())
    .where(
      and(
        eq(questionAnswers.projectId, scope.projectId),
        inArray(questionAnswers.questionKey, questionKeys),
        filter,
      ),
    )
    .orderBy(desc(questionAnswers.chunkId))
    .limit(1);
  return row ?? null;
}

/** How many sources have nothing to answer from yet but will. */
export async function countIndexingSources(db: Database, scope: ProjectScope): Promise<number> {
  return db.$count(
    sources,
    and(eq(sources.projectId, scope.projectId), inArray(sources.status, ['queued', 'processing'])),
  );
}

function isVisibleChunk() {
  return and(
    eq(documents.projectId, documentChunks.projectId),
    eq(documents.id, documentChunks.documentId),
    eq(documents.liveVersion, documentChunks.version),
  );
}
