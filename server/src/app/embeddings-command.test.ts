import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { documentChunks, documents, embeddings } from '#db/schema/documents.js';
import { projects } from '#db/schema/projects.js';
import { sources } from '#db/schema/sources.js';
import { users } from '#db/schema/users.js';
import { newId } from '#kernel/ids.js';
import { parseConfig } from '#platform/config/config.js';
import type { Database } from '#platform/database.js';
import { createLogger } from '#platform/logger.js';
import { createMetrics } from '#platform/metrics.js';
import { createTestDatabase } from '#test/test-database.js';
import { runEmbeddingsCommand } from './embeddings-command.js';
import { openDatabase } from './open-database.js';

const OLD = { model: 'text-embedding-3-small', dimensions: 2 };
const NEW = { model: 'text-embedding-3-large', dimensions: 3 };
const MODEL_ENVIRONMENT = {
  OPENAI_API_KEY: 'sk-test',
  OPENAI_EMBEDDING_MODEL: NEW.model,
  OPENAI_EMBEDDING_DIMENSIONS: `${NEW.dimensions}`,
};

let dataDir: string;
let database: Awaited<ReturnType<typeof createTestDatabase>>;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'botbase-command-'));
  database = await createTestDatabase(dataDir);
});
afterAll(async () => {
  await database.drop();
  await rm(dataDir, { recursive: true, force: true });
});

const configOf = (environment: Record<string, string> = MODEL_ENVIRONMENT) =>
  parseConfig({
    NODE_ENV: 'test',
    DATA_DIR: dataDir,
    JWT_SECRET: randomBytes(48).toString('base64'),
    ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    ...database.environment,
    ...environment,
  });
const run = (act: 'status' | 'confirm', environment?: Record<string, string>) =>
  runEmbeddingsCommand(configOf(environment), act);

/** The command opens the database by itself, and the embedded one is for one process at a time. */
async function inDatabase<T>(act: (db: Database) => Promise<T>): Promise<T> {
  const opened = await openDatabase(configOf(), createLogger('fatal'), createMetrics());
  try {
    return await act(opened.db);
  } finally {
    await opened.close();
  }
}

/** A project whose chunks have vectors of these models each. @returns its id */
async function insertProject(
  db: Database,
  { live, chunks }: { live: string | null; chunks: (typeof OLD)[][] },
): Promise<string> {
  const [ownerId, projectId, sourceId, documentId] = [newId(), newId(), newId(), newId()];
  await db
    .insert(users)
    .values({ id: ownerId, email: `${ownerId}@example.com`, passwordHash: '', name: 'Ada' });
  const project = { id: projectId, ownerId, name: 'Project', fallbackMessage: '', embeddingModel: live };
  await db.insert(projects).values(project);
  const origin = { type: 'text' as const, fileKey: '', bytes: 0, sha256: '' };
  const progress = { stage: 'done' as const, done: 1, total: 1 };
  await db.insert(sources).values({ id: sourceId, projectId, type: 'text', name: 'Text', origin, progress });
  await db
    .insert(documents)
    .values({ id: documentId, projectId, sourceId, key: 'content', title: 'Text', liveVersion: 1 });
  for (const [chunkIndex, models] of chunks.entries()) {
    const chunkId = newId();
    await db.insert(documentChunks).values({
      id: chunkId,
      projectId,
      documentId,
      version: 1,
      chunkIndex,
      content: '',
      startOffset: 0,
      endOffset: 0,
      tokenCount: 0,
      contentHash: chunkId,
    });
    for (const model of models) {
      const embedding = new Float32Array(model.dimensions).fill(1);
      await db.insert(embeddings).values({ id: newId(), projectId, chunkId, ...model, embedding });
    }
  }
  return projectId;
}

describe('the embeddings command', () => {
  it('says how far the change is, and deletes the old vectors of those that have made it', async () => {
    const [, behind, bare] = await inDatabase(async (db) => [
      await insertProject(db, { live: `${NEW.model}:3`, chunks: [[OLD, NEW], [OLD, NEW], [NEW]] }),
      await insertProject(db, { live: `${OLD.model}:2`, chunks: [[OLD, NEW], [OLD], [OLD]] }),
      await insertProject(db, { live: null, chunks: [[]] }),
    ]);
    const undecided = [
      `  ${behind} searches with ${OLD.model}:2: 2 chunks to go`,
      `  ${bare} searches with whatever is there: 1 chunks to go`,
      '',
    ];
    expect((await run('status')).split('\n')).toEqual([
      `Configured model: ${NEW.model}:3`,
      '1 of 3 projects search with it; 5 vectors of other models are kept.',
      ...undecided,
    ]);
    expect(await run('confirm')).toBe('2 vectors of other models were deleted.\n');
    expect((await run('status')).split('\n').slice(1)).toEqual([
      '1 of 3 projects search with it; 3 vectors of other models are kept.',
      ...undecided,
    ]);
  });

  it('says how to confirm once all projects have made the change, and no more when it is confirmed', async () => {
    await inDatabase((db) => db.update(projects).set({ embeddingModel: `${NEW.model}:3` }));
    expect((await run('status')).split('\n')).toEqual([
      `Configured model: ${NEW.model}:3`,
      '3 of 3 projects search with it; 3 vectors of other models are kept.',
      'Satisfied? `embeddings confirm` deletes the old vectors. Until then, configuring the old model goes back.',
      '',
    ]);
    expect(await run('confirm')).toBe('3 vectors of other models were deleted.\n');
    expect((await run('status')).split('\n').slice(1)).toEqual([
      '3 of 3 projects search with it; 0 vectors of other models are kept.',
      '',
    ]);
  });

  it.each([
    ['status', {}],
    ['confirm', { ...MODEL_ENVIRONMENT, OPENAI_EMBEDDING_MODEL: 'none' }],
  ] as const)('refuses %s without a model, and says what to set', async (act, environment) => {
    await expect(run(act, environment)).rejects.toMatchObject({
      code: 'not_configured',
      message: expect.stringContaining('OPENAI_API_KEY') as string,
    });
  });
});
