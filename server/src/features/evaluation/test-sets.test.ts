import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, createTestApp } from '#test/create-test-app.js';

const TEXT = 'A parcel within the country costs €4.90. The office dog is called Biscuit.';

let app: TestApp;
let token: string;
let base: string;
let sourceId: string;

beforeAll(async () => {
  app = await createTestApp();
  ({ token } = await app.register());
  const projectId = await app.createProject(token);
  base = `/v1/projects/${projectId}`;
  const source = await app.addSource(token, projectId, { type: 'text', name: 'Handbook', text: TEXT });
  sourceId = source.id;
  await app.addSource(token, projectId, { type: 'text', name: 'Twin', text: 'One.' });
  await app.addSource(token, projectId, { type: 'text', name: 'Twin', text: 'Two.' });
});
afterAll(() => app.close());

async function newSet(name = 'Shop'): Promise<string> {
  const { status, body } = await app.request('POST', `${base}/test-sets`, { token, body: { name } });
  expect(status).toBe(201);
  return body.id;
}
const send = (method: string, path: string, body?: unknown) =>
  app.request(method, `${base}/test-sets/${path}`, { token, body });
const importCsv = (testSetId: string, body: string | Buffer, type = 'text/csv') =>
  app.request('POST', `${base}/test-sets/${testSetId}/cases/import`, {
    token,
    body,
    headers: { 'content-type': type },
  });
const casesOf = async (testSetId: string) => (await send('GET', `${testSetId}/cases`)).body.data;

describe('test sets', () => {
  it('are made, read, renamed and deleted with their cases', async () => {
    const testSetId = await newSet('  Shop  ');
    const cases = [{ question: 'What does a parcel cost?', expectation: 'answer' }];
    await send('POST', `${testSetId}/cases`, { cases });
    expect((await send('GET', testSetId)).body).toMatchObject({ name: 'Shop', caseCount: 1 });
    const renamed = await send('PATCH', testSetId, { name: 'Parcels' });
    expect(renamed.body).toMatchObject({ id: testSetId, name: 'Parcels', caseCount: 1 });
    const list = await app.request('GET', `${base}/test-sets`, { token });
    expect(list.body.data[0]).toEqual(renamed.body);
    expect((await send('DELETE', testSetId)).status).toBe(204);
    for (const path of [testSetId, `${testSetId}/cases`, `${testSetId}/runs`]) {
      expect((await send('GET', path)).body.code).toBe('not_found');
    }
  });

  it('are a hundred at most', async () => {
    const projectId = await app.createProject(token);
    const add = () =>
      app.request('POST', `/v1/projects/${projectId}/test-sets`, { token, body: { name: 'Set' } });
    const statuses = [];
    for (let index = 0; index < 101; index += 1) statuses.push((await add()).status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(100);
    expect((await add()).body).toMatchObject({ code: 'conflict', detail: expect.stringContaining('100') });
  });
});

describe('cases', () => {
  it('are added, changed and deleted', async () => {
    const testSetId = await newSet();
    const added = await send('POST', `${testSetId}/cases`, {
      cases: [
        { question: 'What does a parcel cost?', expectation: 'answer', expectedSourceId: sourceId },
        { question: 'Who won in Reykjavik?', expectation: 'refuse' },
      ],
    });
    expect(added.status).toBe(201);
    expect(added.body).toMatchObject({
      added: 2,
      data: [
        { expectation: 'answer', expectedSourceId: sourceId, expectedText: null, origin: 'manual' },
        { expectation: 'refuse', expectedSourceId: null, messageId: null },
      ],
    });
    const [first, second] = added.body.data;
    expect((await casesOf(testSetId)).map(({ id }: { id: string }) => id)).toEqual([second.id, first.id]);
    const changed = await send('PATCH', `${testSetId}/cases/${first.id}`, {
      expectedText: '€4.90',
      expectedSourceId: null,
    });
    expect(changed.body).toMatchObject({ expectedText: '€4.90', expectedSourceId: null });
    expect((await send('DELETE', `${testSetId}/cases/${second.id}`)).status).toBe(204);
    expect((await send('DELETE', `${testSetId}/cases/${second.id}`)).status).toBe(404);
    expect(await casesOf(testSetId)).toEqual([changed.body]);
  });

  it('are refused, all of them, where one is of no use', async () => {
    const testSetId = await newSet();
    const good = { question: 'Where?', expectation: 'answer' };
    const elsewhere = { ...good, expectedSourceId: '01900000-0000-7000-8000-000000000000' };
    const foreign = await send('POST', `${testSetId}/cases`, { cases: [good, elsewhere] });
    expect(foreign.status).toBe(422);
    expect(foreign.body.errors).toEqual([
      { path: 'cases.1.expectedSourceId', message: 'is no source of this project' },
    ]);
    const refusal = { question: 'Who?', expectation: 'refuse', expectedText: 'Somebody' };
    expect((await send('POST', `${testSetId}/cases`, { cases: [refusal] })).status).toBe(422);
    expect((await send('POST', `${testSetId}/cases`, { cases: [] })).status).toBe(400);
    const thousand = Array.from({ length: 1_000 }, () => good);
    expect((await send('POST', `${testSetId}/cases`, { cases: [...thousand, good] })).status).toBe(400);
    expect((await send('POST', `${testSetId}/cases`, { cases: thousand })).body.added).toBe(1_000);
    expect((await send('POST', `${testSetId}/cases`, { cases: [good] })).body.code).toBe('conflict');
    expect((await send('GET', testSetId)).body.caseCount).toBe(1_000);
  });
});

describe('an import', () => {
  it('takes columns in any order, sources by id or name, and what spreadsheets make of them', async () => {
    const testSetId = await newSet();
    const csv = [
      '\ufeffExpectation;Question;expected_source;expected_text',
      'answer;"What does a parcel cost; roughly?";Handbook;4.90',
      ';;;',
      `REFUSE;"Who won\r\nin ""Reykjavik""?";;`,
      `answer;Café?;${sourceId.toUpperCase()};`,
    ].join('\r\n');
    const reply = await importCsv(testSetId, csv);
    expect(reply.status).toBe(201);
    expect(reply.body.data).toMatchObject([
      {
        question: 'What does a parcel cost; roughly?',
        expectation: 'answer',
        expectedSourceId: sourceId,
        expectedText: '4.90',
        origin: 'csv',
      },
      { question: 'Who won\r\nin "Reykjavik"?', expectation: 'refuse', expectedText: null },
      { question: 'Café?', expectedSourceId: sourceId, expectedText: null },
    ]);
    const latin = Buffer.from('question,expectation\nCafé?,answer\n', 'latin1');
    const other = await importCsv(testSetId, latin, 'text/csv; charset=windows-1252');
    expect(other.body.data[0].question).toBe('Café?');
  });

  it('imports nothing where a row is wrong, and names row and fault', async () => {
    const testSetId = await newSet();
    const csv = [
      'question,expectation,expected_source,expected_text',
      'Fine?,answer,Handbook,',
      ',answer,,',
      'Why?,maybe,,',
      'Who?,answer,Nowhere,',
      'Who?,answer,Twin,',
      'Who?,refuse,Handbook,',
    ].join('\n');
    const { status, body } = await importCsv(testSetId, csv);
    expect(status).toBe(422);
    expect(body.detail).toBe('Nothing was imported. row 3, question: is required (and 4 more)');
    expect(body.errors).toEqual([
      { path: 'row 3, question', message: 'is required' },
      { path: 'row 4, expectation', message: 'must be answer or refuse' },
      {
        path: 'row 5, expected_source',
        message: 'is neither the id nor the name of a source of this project',
      },
      { path: 'row 6, expected_source', message: 'is the name of 2 sources: give the id' },
      { path: 'row 7, expectation', message: 'of a refusal no source and no text are expected' },
    ]);
    for (const [text, path] of [
      ['', 'row 1'],
      ['question,answer\na,b', 'row 1'],
      ['question\nWhy?', 'row 1'],
      ['question,expectation,question\nWhy?,answer,x', 'row 1'],
      ['question,expectation', 'row 2'],
      ['question,expectation\nWhy, oh why?,answer', 'row 2'],
      ['question,expectation\n"Why?,answer', 'line 2'],
      ['question,expectation\nW\u0000hy?,answer', 'row 2, question'],
    ] as const) {
      const reply = await importCsv(testSetId, text);
      expect([text, reply.status, reply.body.errors?.[0]?.path]).toEqual([text, 422, path]);
    }
    expect(await casesOf(testSetId)).toEqual([]);
  });

  it('takes CSV and nothing else', async () => {
    const testSetId = await newSet();
    for (const type of ['application/json', 'text/plain', 'multipart/form-data; boundary=x']) {
      expect((await importCsv(testSetId, '{"a":1}', type)).body.code).toBe('unsupported_media_type');
    }
    const path = `${base}/test-sets/${testSetId}/cases/import`;
    expect((await app.request('POST', path, { token })).body.code).toBe('validation_failed');
  });
});

describe('cases from feedback', () => {
  it('are the questions of answers that were rated down, each once, with room and time kept to', async () => {
    const ask = async (message: string, body: object = {}) =>
      (await app.request('POST', `${base}/chat`, { token, body: { message, ...body } })).body;
    const rate = (messageId: string, rating: string) =>
      app.request('POST', `${base}/messages/${messageId}/feedback`, { token, body: { rating } });
    const first = await ask('What does a parcel cost?');
    const second = await ask('And the dog?', { conversationId: first.conversationId });
    const same = await ask('And the dog?');
    const liked = await ask('What is the office dog called?');
    await rate(first.message.id, 'up');
    await rate(second.message.id, 'down');
    await rate(same.message.id, 'down');
    await rate(liked.message.id, 'up');
    const testSetId = await newSet();
    const take = (body?: unknown) => send('POST', `${testSetId}/cases/from-feedback`, body);
    const since = new Date(app.ctx.clock.now().getTime() + 1_000).toISOString();
    expect((await take({ since })).body).toEqual({ added: 0, data: [] });
    const taken = await take();
    expect(taken.status).toBe(201);
    expect(taken.body.data).toMatchObject([
      { question: 'And the dog?', expectation: 'answer', origin: 'feedback' },
    ]);
    expect((await take()).body.added).toBe(0);
    app.clock.advance(2_000);
    await rate(first.message.id, 'down');
    expect((await take({ since })).body.data).toMatchObject([
      { question: 'What does a parcel cost?', messageId: first.message.id },
    ]);
  });
});
