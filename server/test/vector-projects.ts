import { eq } from 'drizzle-orm';
import { documentChunks, documents, embeddings, lexicalSegments } from '#db/schema/documents.js';
import { projects } from '#db/schema/projects.js';
import { sources } from '#db/schema/sources.js';
import { users } from '#db/schema/users.js';
import { newId } from '#kernel/ids.js';
import type { Database } from '#platform/database.js';
import { embeddingModelKey } from '#platform/embedding-model.js';
import type { Embedder } from '#platform/ports/embedder.js';
import { type ProjectScope, mintProjectScope, systemCaller } from '#platform/scope.js';

interface Model {
  model: string;
  dimensions: number;
}

export const DOCUMENTS = 20;

/** Numbers from -1 to 1 that are the same each time. */
function createNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

/** Around some middles, so that some are near to each other. */
export function createVectors(seed: number, dimensions: number): () => Float32Array {
  const number = createNumbers(seed);
  const draw = () => Float32Array.from({ length: dimensions }, number);
  const middles = Array.from({ length: 12 }, draw);
  return () => {
    const middle = middles[Math.floor((number() + 1) * 6)] ?? draw();
    return middle.map((value) => value + 0.8 * number());
  };
}

/** Asked for a text of numbers, it gives them as the vector. */
export function embedderOf({ model, dimensions }: Model): Embedder {
  return {
    model,
    dimensions,
    embed: async (texts: readonly string[]) => ({
      vectors: texts.map((text) => Float32Array.from(text.split(' '), Number)),
      tokens: 0,
    }),
  } as unknown as Embedder;
}

export interface VectorProject {
  scope: ProjectScope;
  sourceIds: string[];
}

/** A project of two sources; documents are of either in turns, half of them in German. */
export async function addVectorProject(
  db: Database,
  { chunkCount, seed, model }: { chunkCount: number; seed: number; model: Model },
): Promise<VectorProject> {
  const [ownerId, projectId] = [newId(), newId()];
  await db
    .insert(users)
    .values({ id: ownerId, email: `${ownerId}@example.com`, passwordHash: '-', name: 'T' });
  const embeddingModel = embeddingModelKey(model);
  await db
    .insert(projects)
    .values({ id: projectId, ownerId, name: 'P', fallbackMessage: '-', embeddingModel });
  const sourceIds = [newId(), newId()];
  await db.insert(sources).values(
    sourceIds.map((id, at) => ({
      id,
      projectId,
      type: 'text' as const,
      name: 'S',
      origin: { type: 'text' as const, fileKey: '-', bytes: 1, sha256: '-' },
      progress: { stage: 'done' as const, done: 1, total: 1 },
      metadata: { team: at === 0 ? 'red' : 'blue', plan: 'free' },
    })),
  );
  const perDocument = Math.ceil(chunkCount / DOCUMENTS);
  const made = Array.from({ length: DOCUMENTS }, (_, at) => ({
    id: newId(),
    projectId,
    sourceId: sourceIds[at % 2] ?? '',
    key: String(at),
    title: `${at}`,
    language: at < DOCUMENTS / 2 ? 'de' : 'en',
    metadata: at === 7 ? { plan: 'paid', tags: ['a', 'b'] } : {},
    status: 'ready' as const,
    liveVersion: 1,
    chunkCount: perDocument,
  }));
  await db.insert(documents).values(made);
  const chunks = Array.from({ length: chunkCount }, (_, at) => ({
    id: newId(),
    projectId,
    documentId: made[at % DOCUMENTS]?.id ?? '',
    version: 1,
    chunkIndex: Math.floor(at / DOCUMENTS),
    content: 'text',
    startOffset: 0,
    endOffset: 4,
    tokenCount: 1,
    contentHash: String(at),
  }));
  await db.insert(documentChunks).values(chunks);
  await db.insert(lexicalSegments).values({
    id: newId(),
    projectId,
    analyzerVersion: 1,
    language: 'en',
    chunkCount,
    lengthSum: chunkCount,
    chunkIds: new Uint8Array(),
    lengths: new Uint8Array(),
  });
  const scope = mintProjectScope(systemCaller, projectId, null);
  await addVectors(db, scope, { seed, model });
  return { scope, sourceIds };
}

/** Of a model, for every chunk of a project. */
export async function addVectors(
  db: Database,
  { projectId }: ProjectScope,
  { seed, model }: { seed: number; model: Model },
): Promise<void> {
  const chunks = await db
    .select({ id: documentChunks.id })
    .from(documentChunks)
    .where(eq(documentChunks.projectId, projectId));
  const draw = createVectors(seed, model.dimensions);
  await db
    .insert(embeddings)
    .values(chunks.map(({ id }) => ({ id: newId(), projectId, chunkId: id, ...model, embedding: draw() })));
}
