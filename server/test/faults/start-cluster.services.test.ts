import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BotbaseClient, createBotbaseClient } from '../botbase-client.js';
import { type FakeOpenAI, startFakeOpenAI } from '../fakes/fake-openai.js';
import { findBrokenInvariants, whenSettled } from './invariants.js';
import { readProcessResources } from './process-resources.js';
import { type Cluster, startCluster } from './start-cluster.js';

const PATIENT_MS = 180_000;
const REFUNDS = '# Refunds\n\nA refund takes five working days. It goes to the card that was used.';

let openai: FakeOpenAI;
let cluster: Cluster;
let client: BotbaseClient;
let sourceId: string;
let messageId: string;

beforeAll(async () => {
  openai = await startFakeOpenAI();
  cluster = await startCluster({
    apis: 2,
    workers: 1,
    settings: {
      OPENAI_BASE_URL: openai.baseUrl,
      OPENAI_EMBEDDING_DIMENSIONS: '64',
    },
  });
  client = await createBotbaseClient(cluster.api(0).url);
  sourceId = (await client.addText('Refunds', REFUNDS)).id;
  await client.whenEnded(sourceId, PATIENT_MS);
  messageId = (await client.ask('How long does a refund take?')).message.id;
  await whenSettled(cluster.query, PATIENT_MS);
}, PATIENT_MS);

afterAll(async () => {
  await cluster.close();
  await openai.close();
});

const findBroken = (evidence: Partial<Parameters<typeof findBrokenInvariants>[0]> = {}) =>
  findBrokenInvariants({
    query: cluster.query,
    dataDir: cluster.dataDir,
    accepted: { messageIds: [messageId], sourceIds: [sourceId] },
    dimensions: 64,
    modelRequests: openai.requests,
    logLines: cluster.logLines(),
    secrets: cluster.secrets,
    ...evidence,
  });

describe('a cluster', () => {
  it('shares what it knows between its processes, over their restarts too', async () => {
    const { at } = client;
    expect((await at(cluster.api(1).url).findSource(sourceId)).status).toBe('ready');
    expect(await cluster.api(1).end('SIGKILL')).toEqual({ exitCode: null, signal: 'SIGKILL' });
    await expect(at(cluster.api(1).url).findSource(sourceId)).rejects.toThrow('fetch failed');
    await cluster.api(1).start();
    expect((await at(cluster.api(1).url).findSource(sourceId)).status).toBe('ready');
    cluster.api(1).signal('SIGSTOP');
    expect((await at(cluster.api(0).url).findSource(sourceId)).status).toBe('ready');
    expect((await cluster.api(1).end('SIGTERM')).exitCode).toBe(0);
    await cluster.api(1).start();
    expect(cluster.api(1).logLines().join('\n').split(cluster.api(1).url).length).toBeGreaterThan(3);
  });

  it('has metrics of every process, of workers too', async () => {
    for (const node of cluster.nodes) {
      expect(await node.readMetrics()).toContain('process_resident_memory_bytes');
    }
  });
});

describe('the invariants', () => {
  // Nobody but the test changes what they look at.
  beforeAll(async () => {
    await whenSettled(cluster.query, PATIENT_MS);
    await cluster.stopAll();
  });

  it('hold when nothing went wrong', async () => {
    expect(await findBroken()).toEqual([]);
  });

  it.each([
    ['I1: message', { accepted: { messageIds: ['0198f000-0000-7000-8000-000000000000'], sourceIds: [] } }],
    ['I1: source', { accepted: { messageIds: [], sourceIds: ['0198f000-0000-7000-8000-000000000000'] } }],
    ['I2: 1 answers of a model that was called 0 times', { modelRequests: [] }],
    ['I3: chunk', { dimensions: 65 }],
    ['I8: secret 0 in a line of the log', { secrets: ['request'] }],
    [
      'I8: 500 without a problem: oops',
      { answers: [{ status: 500, contentType: 'text/plain', body: 'oops' }] },
    ],
    [
      'I9: the tenant of one was shown two',
      {
        tenants: [
          { canary: 'one', wasShown: ['one', 'and two'] },
          { canary: 'two', wasShown: [] },
        ],
      },
    ],
    [
      'I9: one request to the model holds refund and card',
      {
        tenants: [
          { canary: 'refund', wasShown: [] },
          { canary: 'card', wasShown: [] },
        ],
      },
    ],
  ])('notice %s', async (line, evidence) => {
    const broken = await findBroken(evidence);
    expect(broken.map((text) => text.slice(0, line.length))).toContain(line);
  });

  const setMessage = (assignment: string) => [
    `update messages set ${assignment} where role = 'assistant'`,
    `update messages set status = 'complete', role = 'assistant', cost = 0 where id = (select max(id::text)::uuid from messages)`,
  ];
  it.each([
    ['I2: message', setMessage(`status = 'failed', cost = 1`)],
    ['I2: message', setMessage(`role = 'user'`)],
    ['I4: message', setMessage(`status = 'streaming', updated_at = now() - interval '1 minute'`)],
    [
      'I3: document',
      [
        `update document_chunks set chunk_index = chunk_index + 7`,
        `update document_chunks set chunk_index = chunk_index - 7`,
      ],
    ],
    [
      'I3: source',
      [
        `update sources set chunk_count = chunk_count + 1`,
        `update sources set chunk_count = chunk_count - 1`,
      ],
    ],
    [
      'I3: document',
      [
        `update lexical_segments set chunk_count = chunk_count + 1`,
        `update lexical_segments set chunk_count = chunk_count - 1`,
      ],
    ],
    [
      'I4: job',
      [
        `update jobs set status = 'running', run_at = now() - interval '1 minute'`,
        `update jobs set status = 'succeeded'`,
      ],
    ],
    ['I4: source', [`update sources set status = 'processing'`, `update sources set status = 'ready'`]],
    [
      'I5: document',
      [
        `insert into document_chunks (id, project_id, document_id, version, chunk_index, content, start_offset,
          end_offset, token_count, content_hash)
          select gen_random_uuid(), project_id, document_id, version + 1, chunk_index, content, start_offset,
          end_offset, token_count, content_hash from document_chunks`,
        `delete from document_chunks where version = 2`,
      ],
    ],
  ])('notice %s in the database (%#)', async (line, [breakIt = '', mendIt = '']) => {
    await cluster.query(breakIt);
    const broken = await findBroken();
    await cluster.query(mendIt);
    expect(broken.map((text) => text.slice(0, line.length))).toContain(line);
    expect(await findBroken()).toEqual([]);
  });

  it('notice a file that belongs to nothing', async () => {
    const path = join(cluster.dataDir, 'files', 'left-over');
    await writeFile(path, 'left over');
    expect(await findBroken()).toEqual(['I5: file left-over of no source']);
    await rm(path);
  });

  it('notice a process that grows', async () => {
    const before = await readProcessResources(process.pid);
    const after = { ...before, openFiles: before.openFiles * 2 };
    expect(await findBroken({ resources: [{ before, after }] })).toEqual([
      `I7: openFiles of process ${process.pid} went from ${before.openFiles} to ${after.openFiles}`,
    ]);
    expect(await findBroken({ resources: [{ before, after: before }] })).toEqual([]);
  });

  it('say what is stuck when work does not end', async () => {
    await cluster.query(`update sources set status = 'processing'`);
    await expect(whenSettled(cluster.query, 0)).rejects.toThrow(`source ${sourceId} is processing`);
    await cluster.query(`update sources set status = 'ready'`);
  });
});
