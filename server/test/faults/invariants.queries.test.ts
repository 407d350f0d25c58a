import { sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mergeSegments } from '#features/search-index/merge-segments.js';
import { mintProjectScope, systemCaller } from '#platform/scope.js';
import { type TestApp, createTestApp } from '../create-test-app.js';
import { WRONG_SEGMENTS } from './invariants.queries.js';

/** So many segments are worth a merge. */
const DOCUMENTS = 8;

let app: TestApp;
let token: string;
let projectId: string;

beforeEach(async () => {
  app = await createTestApp();
  ({ token } = await app.register());
  projectId = await app.createProject(token);
  for (let index = 0; index < DOCUMENTS; index++) await addText(`Text ${index}`);
  const scope = mintProjectScope(systemCaller, projectId, null);
  await mergeSegments(app.ctx, scope, new AbortController().signal);
});
afterEach(() => app.close());

const addText = (name: string) =>
  app.addSource(token, projectId, { type: 'text', name, text: `${name} says how long a refund takes.` });

async function run(statement: string): Promise<Record<string, unknown>[]> {
  const { rows } = await app.ctx.db.execute(sql.raw(statement));
  return rows;
}

async function findWrong(): Promise<unknown[]> {
  return (await run(WRONG_SEGMENTS)).map(({ line }) => line);
}

/** The id of a document in the merged segment. */
async function pickMerged(): Promise<string> {
  const [row] = await run('select document_id as id from lexical_segment_parts limit 1');
  return String(row?.['id']);
}

describe('WRONG_SEGMENTS, once segments are merged', () => {
  it('finds nothing where all is well, beside documents that are not merged yet too', async () => {
    await addText('Later');
    expect(await run('select count(*)::int as count from lexical_segment_parts')).toEqual([
      { count: DOCUMENTS },
    ]);
    expect(await findWrong()).toEqual([]);
  });

  it('finds a document whose part is gone', async () => {
    const id = await pickMerged();
    await run(`delete from lexical_segment_parts where document_id = '${id}'`);
    expect(await findWrong()).toEqual([`document ${id} has 0 chunks in its lexical index of 1`]);
  });

  it('finds a document whose part is of a version that nobody sees', async () => {
    const id = await pickMerged();
    await run(`update lexical_segment_parts set version = version + 1 where document_id = '${id}'`);
    expect(await findWrong()).toEqual([`document ${id} has 0 chunks in its lexical index of 1`]);
  });

  it('finds a document that is in a segment of its own and in a merged one', async () => {
    const id = await pickMerged();
    await run(`insert into lexical_segments (id, project_id, document_id, version, analyzer_version, language,
        chunk_count, length_sum, chunk_ids, lengths)
      select gen_random_uuid(), project_id, document_id, version, 1, 'en', chunk_count, length_sum, '', ''
      from lexical_segment_parts where document_id = '${id}'`);
    expect(await findWrong()).toEqual([`document ${id} has 2 chunks in its lexical index of 1`]);
  });
});
