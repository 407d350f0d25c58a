import { eq, sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { documentChunks, documents, lexicalSegments } from '#db/schema/documents.js';
import { newId } from '#kernel/ids.js';
import { mintProjectScope, systemCaller } from '#platform/scope.js';
import { prepareSegments, writeSegment } from '#features/search-index/write-segment.js';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { sweepUnseenVersions } from './sweep-unseen-versions.js';

const DAY_MS = 86_400_000;
const never = new AbortController().signal;

let app: TestApp;
beforeAll(async () => {
  app = await createTestApp();
});
afterAll(() => app.close());

/** A source that is indexed, and what a killed worker has left of another version of its document. */
async function createLeftovers(token: string, projectId: string, name: string, version: number) {
  const { db } = app.ctx;
  const source = await app.addSource(token, projectId, { type: 'text', name, text: `The ${name} is red.` });
  const [document] = await db.select().from(documents).where(eq(documents.sourceId, source.id));
  const documentId = document?.id ?? '';
  const text = `The ${name} is blue.`;
  const chunk = { id: newId(), text, title: '', documentLanguage: 'en' };
  await db.insert(documentChunks).values({
    id: chunk.id,
    projectId,
    documentId,
    version,
    chunkIndex: 0,
    content: text,
    startOffset: 0,
    endOffset: text.length,
    tokenCount: 5,
    contentHash: '-',
  });
  const scope = mintProjectScope(systemCaller, projectId, null);
  for (const segment of prepareSegments([chunk])) {
    await writeSegment(app.ctx, scope, segment, { documentId, version });
  }
  return {
    sourceId: source.id as string,
    versions: async () => {
      const versions = (table: typeof documentChunks | typeof lexicalSegments) =>
        db
          .select({ version: table.version })
          .from(table)
          .where(eq(table.documentId, documentId))
          .orderBy(table.version);
      const rows = [await versions(documentChunks), await versions(lexicalSegments)];
      return rows.map((list) => list.map(({ version: number }) => number));
    },
  };
}

it('deletes what killed workers left, a day later, but nothing that is live or that a job is at', async () => {
  const { token } = await app.register();
  const projectId = await app.createProject(token);
  const newer = await createLeftovers(token, projectId, 'kettle', 7);
  const older = await createLeftovers(token, projectId, 'grinder', 0);
  const busy = await createLeftovers(token, projectId, 'scale', 3);
  await app.request('POST', `/v1/projects/${projectId}/sources/${busy.sourceId}/sync`, { token });
  app.clock.advance(DAY_MS - 60_000);
  expect(await sweepUnseenVersions(app.ctx, never)).toBe(0);
  app.clock.advance(2 * 60_000);
  expect(await sweepUnseenVersions(app.ctx, never)).toBe(4);
  expect(await newer.versions()).toEqual([[1], [1]]);
  expect(await older.versions()).toEqual([[1], [1]]);
  expect(await busy.versions()).toEqual([
    [1, 3],
    [1, 3],
  ]);
  await app.ctx.db.execute(sql`update jobs set status = 'failed' where status = 'queued'`);
  expect(await sweepUnseenVersions(app.ctx, never)).toBe(2);
  expect(await busy.versions()).toEqual([[1], [1]]);
});
