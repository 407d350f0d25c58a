import { eq, sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { documentChunks, documents, lexicalSegments } from '#db/schema/documents.js';
import { mintProjectScope, systemCaller } from '#platform/scope.js';
import { ANALYZER_VERSION } from '#rag/analyzer/analyze.js';
import { beforeSwitch } from '#test/before-switch.js';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { createGate } from '#test/gate.js';
import { mergeSegments } from './merge-segments.js';
import { rebuildAllSegments, rebuildSegments } from './rebuild-segments.js';

const never = new AbortController().signal;

let app: TestApp;
let token: string;
beforeAll(async () => {
  app = await createTestApp();
  ({ token } = await app.register('Ada', 'pro'));
});
afterAll(() => app.close());

const TEXTS: [string, string][] = Array.from({ length: 12 }, (_, index) => [
  `Item ${index}`,
  index % 3 === 0
    ? `Die Lieferung der Mühle Nummer ${index} erfolgt binnen drei Tagen nach dem Eingang der Bestellung.`
    : `The delivery of grinder number ${index} takes place within three days of the receipt of the order.`,
]);
const QUERIES = ['delivery of grinder', 'Lieferung der Mühle', 'item 7', 'number 4', 'deliveries'];

/** A project whose segments are what an analyzer before ours has left: without terms, and with others in the index. */
async function createOldProject({ isMerged }: { isMerged: boolean }) {
  const projectId = await app.createProject(token);
  const scope = mintProjectScope(systemCaller, projectId, null);
  const ids: string[] = [];
  for (const [name, text] of TEXTS) {
    ids.push((await app.addSource(token, projectId, { type: 'text', name, text })).id as string);
  }
  const findAll = async () => {
    const found: unknown[] = [];
    for (const query of QUERIES) {
      const body = { query, mode: 'keyword', topK: 50 };
      const reply = await app.request('POST', `/v1/projects/${projectId}/search`, { token, body });
      const results = reply.body.results as { title: string; score: number }[];
      found.push(results.map(({ title, score }) => `${title} ${score.toFixed(6)}`).toSorted());
    }
    return found;
  };
  const fresh = await findAll();
  // The English ones: of German there are too few.
  if (isMerged) await mergeSegments(app.ctx, scope, never);
  const { db } = app.ctx;
  await db.execute(sql`update lexical_segments set analyzer_version = 1 where project_id = ${projectId}`);
  await db.execute(sql`update lexical_postings set term = 'old:' || term
    where project_id = ${projectId} and term in ('deliveri', 'liefer', 'grinder')`);
  await db.execute(
    sql`update document_chunks set terms = null, language = null where project_id = ${projectId}`,
  );
  await db.execute(sql`update projects set index_version = index_version + 1 where id = ${projectId}`);
  expect(await findAll()).not.toEqual(fresh);
  const remove = async (index: number) => {
    await app.request('DELETE', `/v1/projects/${projectId}/sources/${ids[index]}`, { token });
  };
  const versions = async () => {
    const rows = await db
      .selectDistinct({ version: lexicalSegments.analyzerVersion })
      .from(lexicalSegments)
      .where(eq(lexicalSegments.projectId, projectId));
    return rows.map(({ version }) => version);
  };
  return { projectId, scope, findAll, fresh, remove, versions };
}

describe('a rebuild', () => {
  it.each([false, true])(
    'makes segments of an older analyzer those of ours (merged: %s)',
    async (isMerged) => {
      const { projectId, scope, findAll, fresh, versions } = await createOldProject({ isMerged });
      expect(await rebuildSegments(app.ctx, scope, never)).toBe(isMerged ? 5 : 12);
      expect(await findAll()).toEqual(fresh);
      expect(await versions()).toEqual([ANALYZER_VERSION]);
      const rows = await app.ctx.db
        .select({ language: documentChunks.language, terms: documentChunks.terms })
        .from(documentChunks)
        .where(eq(documentChunks.projectId, projectId));
      expect(rows.filter(({ language }) => language === 'de')).toHaveLength(4);
      expect(rows.every(({ terms }) => terms?.startsWith('item'))).toBe(true);
      expect(await rebuildSegments(app.ctx, scope, never)).toBe(0);
      await mergeSegments(app.ctx, scope, never);
      expect(await findAll()).toEqual(fresh);
    },
  );

  it('leaves searches as they are until its switch, and takes no deleted document back', async () => {
    const { scope, findAll, fresh, remove } = await createOldProject({ isMerged: true });
    const old = await findAll();
    const [arrived, released] = [createGate(), createGate()];
    const slow = beforeSwitch(app.ctx, 'switch', async () => {
      arrived.open();
      await released.passed;
    });
    const rebuilt = rebuildSegments(slow, scope, never);
    await arrived.passed;
    expect(await findAll()).toEqual(old);
    await remove(7);
    released.open();
    expect(await rebuilt).toBe(5);
    const titles = (found: unknown[]) => found.flat().map((line) => String(line).replace(/ [\d.]+$/u, ''));
    expect(new Set(titles(await findAll()))).toEqual(
      new Set(titles(fresh).filter((title) => title !== 'Item 7')),
    );
  });

  it('loses and doubles nothing beside merges, additions and other rebuilds', async () => {
    const { projectId, scope, findAll, fresh } = await createOldProject({ isMerged: false });
    await Promise.all([
      rebuildSegments(app.ctx, scope, never),
      mergeSegments(app.ctx, scope, never),
      rebuildAllSegments(app.ctx, never),
    ]);
    await rebuildAllSegments(app.ctx, never);
    expect(await findAll()).toEqual(fresh);
    const [row] = await app.ctx.db
      .select({ count: sql<number>`count(*)::int` })
      .from(documents)
      .where(eq(documents.projectId, projectId));
    expect(row?.count).toBe(TEXTS.length);
  });
});
