import { eq, sql } from 'drizzle-orm';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { documentChunks, documents, lexicalSegments } from '#db/schema/documents.js';
import { projects } from '#db/schema/projects.js';
import { sources } from '#db/schema/sources.js';
import { newId } from '#kernel/ids.js';
import { type ProjectScope, mintProjectScope, systemCaller } from '#platform/scope.js';
import { beforeSwitch } from '#test/before-switch.js';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { createGate } from '#test/gate.js';
import { mergeAllSegments, mergeSegments } from './merge-segments.js';
import { searchSegments } from './search-segments.js';
import { prepareSegments, writeSegment } from './write-segment.js';

const HOUR_MS = 3_600_000;
const never = new AbortController().signal;

let app: TestApp;
let token: string;
beforeAll(async () => {
  app = await createTestApp();
  ({ token } = await app.register('Ada', 'pro'));
});
afterAll(() => app.close());

interface Project {
  scope: ProjectScope;
  sourceId: string;
}

async function createProject(): Promise<Project> {
  const projectId = await app.createProject(token);
  const sourceId = newId();
  await app.ctx.db.insert(sources).values({
    id: sourceId,
    projectId,
    type: 'url',
    name: 'Source',
    origin: { type: 'url', url: 'http://localhost/' },
    progress: { stage: 'done', done: 1, total: 1 },
  });
  return { scope: mintProjectScope(systemCaller, projectId, null), sourceId };
}

/** Writes a version of a document as an ingestion does, a segment for each batch, and makes it the live one. */
async function publish(
  { scope, sourceId }: Project,
  documentId: string,
  version: number,
  batches: string[][],
  language = 'en',
): Promise<void> {
  const { projectId } = scope;
  const { db } = app.ctx;
  await db
    .insert(documents)
    .values({ id: documentId, projectId, sourceId, key: documentId, title: 'Title', language })
    .onConflictDoNothing();
  let chunkIndex = 0;
  for (const texts of batches) {
    const chunks = texts.map((text) => ({ id: newId(), text, title: '', documentLanguage: language }));
    await db.insert(documentChunks).values(
      chunks.map(({ id, text }) => ({
        id,
        projectId,
        documentId,
        version,
        chunkIndex: chunkIndex++,
        content: text,
        startOffset: 0,
        endOffset: text.length,
        tokenCount: 1,
        contentHash: '-',
      })),
    );
    for (const segment of prepareSegments(chunks)) {
      // Words at random are in no language: it is said which.
      await writeSegment(app.ctx, scope, { ...segment, language }, { documentId, version });
    }
  }
  await db
    .update(documents)
    .set({ liveVersion: version, chunkCount: batches.flat().length })
    .where(eq(documents.id, documentId));
  await raise(scope);
}

/** As everything does that changes what can be seen. */
async function raise({ projectId }: ProjectScope): Promise<void> {
  await app.ctx.db.execute(
    sql`update projects set index_version = index_version + 1 where id = ${projectId}`,
  );
}

const WORDS =
  'amber birch cedar delta ember frost grove heath inlet jetty knoll larch marsh north orbit'.split(' ');

/** A text of words that its number picks: some are frequent, some rare. */
function textOf(number: number): string {
  const length = 5 + (number % 7);
  const picked = Array.from(
    { length },
    (_, index) => WORDS[(number * (index + 3) + index * index) % WORDS.length],
  );
  return `${picked.join(' ')} item${number}.`;
}

const QUERIES = [...WORDS, 'amber frost', 'orbit north larch', 'item7 cedar', 'item21', 'nothing'];

/** What all queries find, by text, so that projects can be compared. */
async function findAll({ scope }: Project): Promise<unknown> {
  const rows = await app.ctx.db
    .select({ id: documentChunks.id, content: documentChunks.content })
    .from(documentChunks)
    .where(eq(documentChunks.projectId, scope.projectId));
  const texts = new Map(rows.map(({ id, content }) => [id, content]));
  const found = [];
  for (const query of QUERIES) {
    const { hits, idfSum } = await searchSegments(app.ctx, scope, { query, limit: 1_000 });
    const scores = hits.map(({ chunkId, score }) => `${texts.get(chunkId)} ${score}`);
    found.push({ query, idfSum, scores: scores.toSorted() });
  }
  return found;
}

function segmentsOf({ scope }: Project) {
  return app.ctx.db.$count(lexicalSegments, eq(lexicalSegments.projectId, scope.projectId));
}

async function createLibrary(count: number) {
  const project = await createProject();
  const ids = Array.from({ length: count }, () => newId());
  for (const [index, id] of ids.entries()) {
    await publish(project, id, 1, [[textOf(index)], [textOf(index + 1_000), textOf(index + 2_000)]]);
  }
  return { project, ids };
}

const merge = ({ scope }: Project) => mergeSegments(app.ctx, scope, never);

describe('a merge', () => {
  it('leaves what is found, and every score, as it was', async () => {
    const { project } = await createLibrary(30);
    const before = await findAll(project);
    expect(await segmentsOf(project)).toBe(60);
    expect(await merge(project)).toBe(60);
    expect(await segmentsOf(project)).toBe(1);
    expect(await findAll(project)).toEqual(before);
    expect(await merge(project)).toBe(0);
  });

  it('follows documents that change or go, before and after it writes anew what they leave', async () => {
    const { project, ids } = await createLibrary(20);
    await merge(project);
    const { db } = app.ctx;
    for (const id of ids.slice(0, 3)) await db.delete(documents).where(eq(documents.id, id));
    await raise(project.scope);
    for (const id of ids.slice(3, 6)) {
      await publish(project, id, 2, [[textOf(500)]]);
      await db.delete(documentChunks).where(sql`document_id = ${id} and version = 1`);
    }
    const fresh = await createProject();
    for (const index of ids.slice(6).keys()) {
      await publish(fresh, newId(), 1, [[textOf(index + 6), textOf(index + 1_006), textOf(index + 2_006)]]);
    }
    for (let copy = 0; copy < 3; copy += 1) await publish(fresh, newId(), 1, [[textOf(500)]]);
    const expected = await findAll(fresh);
    expect(await findAll(project)).toEqual(expected);
    expect(await merge(project)).toBe(1);
    expect(await findAll(project)).toEqual(expected);
    const [merged] = await db
      .select({ chunkCount: lexicalSegments.chunkCount })
      .from(lexicalSegments)
      .where(sql`project_id = ${project.scope.projectId} and document_id is null`);
    expect(merged?.chunkCount).toBe(42);
  });

  it('takes merged segments in, and keeps languages apart', async () => {
    const { project } = await createLibrary(4);
    await merge(project);
    for (let index = 0; index < 24; index += 1) {
      await publish(project, newId(), 1, [[textOf(100 + index)]], index % 2 === 0 ? 'en' : 'de');
    }
    const before = await findAll(project);
    expect(await merge(project)).toBe(25);
    expect(await segmentsOf(project)).toBe(2);
    expect(await findAll(project)).toEqual(before);
  });

  it('is never seen half done', async () => {
    const { project } = await createLibrary(20);
    const before = await findAll(project);
    const merging = { isOver: false };
    const merged = merge(project).finally(() => (merging.isOver = true));
    do expect(await findAll(project)).toEqual(before);
    while (!merging.isOver);
    expect(await merged).toBe(40);
    expect(await findAll(project)).toEqual(before);
  });

  it('loses and doubles nothing when two run at once', async () => {
    const { project } = await createLibrary(20);
    const before = await findAll(project);
    await Promise.all([merge(project), merge(project), merge(project)]);
    expect(await findAll(project)).toEqual(before);
    await merge(project);
    expect(await segmentsOf(project)).toBeLessThan(8);
    expect(await findAll(project)).toEqual(before);
  });

  it('replaces nothing that another one has replaced since', async () => {
    const { project } = await createLibrary(5);
    const before = await findAll(project);
    const [arrived, released] = [createGate(), createGate()];
    const slow = beforeSwitch(app.ctx, 'switch', async () => {
      arrived.open();
      await released.passed;
    });
    const late = mergeSegments(slow, project.scope, never);
    await arrived.passed;
    const dying = beforeSwitch(app.ctx, 'deletion', () => Promise.reject(new Error('killed')));
    await expect(mergeSegments(dying, project.scope, never)).rejects.toThrow('killed');
    released.open();
    expect(await late).toBe(0);
    expect(await findAll(project)).toEqual(before);
  });

  it('that was killed before the switch changes nothing, and is tidied up an hour later', async () => {
    const { project } = await createLibrary(5);
    const before = await findAll(project);
    const dying = beforeSwitch(app.ctx, 'switch', () => Promise.reject(new Error('killed')));
    await expect(mergeSegments(dying, project.scope, never)).rejects.toThrow('killed');
    expect(await findAll(project)).toEqual(before);
    expect(await merge(project)).toBe(10);
    expect(await segmentsOf(project)).toBe(2);
    app.clock.advance(2 * HOUR_MS);
    await merge(project);
    expect(await segmentsOf(project)).toBe(1);
    app.clock.advance(-2 * HOUR_MS);
    expect(await findAll(project)).toEqual(before);
  });
});

describe('merged segments', () => {
  it('go with the last of their documents, or with their project', async () => {
    const gone = await createLibrary(5);
    await merge(gone.project);
    await app.ctx.db.delete(sources).where(eq(sources.id, gone.project.sourceId));
    app.clock.advance(2 * HOUR_MS);
    await mergeAllSegments(app.ctx, never);
    app.clock.advance(-2 * HOUR_MS);
    expect(await segmentsOf(gone.project)).toBe(0);
    const { project } = await createLibrary(5);
    await merge(project);
    await app.ctx.db.delete(projects).where(eq(projects.id, project.scope.projectId));
    expect(await segmentsOf(project)).toBe(0);
  });

  it('are made for every project that has many, of its own chunks alone', async () => {
    const many = await createLibrary(6);
    const others = await createLibrary(4);
    const few = await createLibrary(2);
    const before = [await findAll(many.project), await findAll(others.project)];
    expect(await mergeAllSegments(app.ctx, never)).toBe(20);
    expect([await segmentsOf(many.project), await segmentsOf(few.project)]).toEqual([1, 4]);
    expect([await findAll(many.project), await findAll(others.project)]).toEqual(before);
  });
});

describe.skipIf(process.env['TEST_DATABASE_URL'] === undefined)('beside a transaction that is open', () => {
  it.each([
    ['a segment of its own', false, 18],
    // The second time without the copy that nobody sees.
    ['a merged one', true, 41],
  ])(
    'leaves alone a document in %s that is being deleted, and waits for nobody',
    async (_, isMerged, count) => {
      const { project, ids } = await createLibrary(10);
      if (isMerged) {
        await merge(project);
        for (let index = 0; index < 40; index += 1) await publish(project, newId(), 1, [[textOf(index)]]);
      }
      const before = await findAll(project);
      const other = new pg.Client({ connectionString: app.ctx.config.database.url ?? '' });
      await other.connect();
      await other.query('begin');
      await other.query('delete from documents where id = $1', [ids[0]]);
      expect(await merge(project)).toBe(count);
      await other.query('rollback');
      await other.end();
      expect(await findAll(project)).toEqual(before);
    },
  );
});
