import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import type { Context } from '#platform/context.js';
import type { CircuitState } from '#platform/ports/model-endpoint.js';
import { createVitals } from '#providers/vitals/create-vitals.js';
import { createHealthCheck } from './health-check.js';
import { createScrape } from './scrape-metrics.js';
import { createWorkerServer } from './create-server.js';

const MIB = 1024 * 1024;
const ROOMY = { freeBytes: 100_000 * MIB, totalBytes: 200_000 * MIB };
const never = () => new Promise<never>(() => {});
const away = () => Promise.reject(new Error('away'));
const there = () => Promise.resolve();

let app: TestApp;
beforeAll(async () => {
  app = await createTestApp();
  Object.assign(app.ctx.vitals, { disk: () => Promise.resolve(ROOMY) });
});
afterAll(() => app.close());

type Changes = { vitals?: Partial<Context['vitals']>; s3?: boolean; server?: boolean } & Partial<
  Pick<Context, 'db' | 'storage' | 'chatModel'>
>;

/** The context of a process that stands on other things. */
function changed({ vitals = {}, s3 = false, server = false, ...changes }: Changes): Context {
  const { ctx } = app;
  const config = {
    ...ctx.config,
    s3: s3 ? { bucket: 'b', endpoint: null, region: 'r', credentials: null } : null,
    database: { ...ctx.config.database, url: server ? 'postgres://elsewhere' : null },
  };
  return { ...ctx, config, vitals: { ...ctx.vitals, ...vitals }, ...changes };
}

function withCircuit(state: CircuitState): Pick<Context, 'chatModel'> {
  return { chatModel: { ...app.ctx.chatModel, endpoint: { name: 'chat', circuit: () => state } } };
}

async function healthOf(changes: Changes) {
  const health = createHealthCheck(changed(changes));
  const { status, parts } = await health.look();
  const unwell = Object.entries(parts).filter(([, part]) => part.status !== 'ok');
  return {
    status,
    isReady: await health.isReady(),
    unwell: unwell.map(([name, part]) => `${name}: ${part.status}`),
  };
}

const brokenDatabase = { db: { execute: away } as unknown as Context['db'] };
const brokenStorage = () => ({ storage: { ...app.ctx.storage, write: away } });

describe('health', () => {
  it('is ok where all parts are, and says where the queue and the models are', async () => {
    const { body } = await app.request('GET', '/health');
    expect(body).toMatchObject({
      status: 'ok',
      parts: {
        database: { status: 'ok', detail: null },
        queue: { status: 'ok', detail: 'In this process: no Redis is configured.' },
        chat: { status: 'ok', detail: 'Built in: it needs no endpoint.' },
        embeddings: { status: 'ok', detail: 'None: retrieval goes by words.' },
        storage: { status: 'ok', detail: null },
        disk: { status: 'ok', detail: '100000 MiB of 200000 MiB are free.' },
      },
    });
    expect(body.parts.database.milliseconds).toBeGreaterThan(0);
  });

  it('is served by a worker, and nothing else is', async () => {
    const worker = await createWorkerServer(app.ctx, { isDraining: false });
    const statusOf = async (url: string) => (await worker.inject({ url })).statusCode;
    expect([await statusOf('/health'), await statusOf('/health/ready'), await statusOf('/metrics')]).toEqual([
      200, 200, 200,
    ]);
    expect(await statusOf('/v1/projects')).toBe(404);
    await worker.close();
  });

  it.each<[string, () => Changes, string[]]>([
    ['Redis', () => ({ vitals: { pingRedis: away } }), ['queue: degraded']],
    [
      'the model endpoint',
      () => ({ vitals: { reachModels: away }, ...withCircuit('closed') }),
      ['chat: failed'],
    ],
    ['a bucket', () => ({ s3: true, ...brokenStorage() }), ['storage: failed']],
  ])('is degraded and ready while %s is away', async (_what, changes, unwell) => {
    expect(await healthOf(changes())).toEqual({ status: 'degraded', isReady: true, unwell });
  });

  it.each<CircuitState>(['open', 'half_open'])('is degraded while a circuit is %s', async (state) => {
    expect(await healthOf({ vitals: { reachModels: there }, ...withCircuit(state) })).toEqual({
      status: 'degraded',
      isReady: true,
      unwell: ['chat: degraded'],
    });
  });

  it.each<[string, () => Changes, string]>([
    ['database', () => brokenDatabase, 'database: failed'],
    ['folder of files', brokenStorage, 'storage: failed'],
    ['disk', () => ({ vitals: { disk: away } }), 'disk: failed'],
  ])('is unavailable without its %s', async (_what, changes, unwell) => {
    expect(await healthOf(changes())).toEqual({ status: 'unavailable', isReady: false, unwell: [unwell] });
  });

  it.each([
    [499, 1_000, 'degraded'],
    [501, 1_000, 'ok'],
    [4_999, 100_000, 'degraded'],
    [5_000, 100_000, 'ok'],
    [16, 100_000, 'degraded'],
    [15, 100_000, 'failed'],
  ])('of a disk with %i of %i MiB free is %s', async (free, total, status) => {
    const disk = () => Promise.resolve({ freeBytes: free * MIB, totalBytes: total * MIB });
    const { parts } = await createHealthCheck(changed({ vitals: { disk } })).look();
    expect(parts.disk.status).toBe(status);
    // Nothing is kept there where files go to a bucket and the database is elsewhere.
    expect(await createHealthCheck(changed({ vitals: { disk }, s3: true, server: true })).isReady()).toBe(
      true,
    );
  });

  it('waits for nobody: what hangs has failed after two seconds, and hangs once', async () => {
    let pings = 0;
    const pingRedis = () => {
      pings += 1;
      return never();
    };
    const health = createHealthCheck(changed({ vitals: { pingRedis } }));
    const readings = await Promise.all([health.look(), health.look()]);
    expect(readings.map(({ parts }) => parts.queue.status)).toEqual(['degraded', 'degraded']);
    await health.look();
    expect(pings).toBe(1);
  });
});

describe('a scrape', () => {
  const linesOf = async (changes: Changes) => (await createScrape(changed(changes))()).split('\n');

  it('tells what the database, the disk and Redis are like, and how old jobs are', async () => {
    const { token } = await app.register();
    const projectId = await app.createProject(token);
    await app.request('POST', `/v1/projects/${projectId}/sources`, {
      token,
      body: { type: 'text', name: 'Notes', text: 'A refund takes five days.' },
    });
    app.clock.advance(90_000);
    const lines = await linesOf({ vitals: { pingRedis: there }, ...withCircuit('half_open') });
    expect(lines).toEqual(
      expect.arrayContaining([
        'botbase_info{version="0.1.0",role="all"} 1',
        'botbase_database_up 1',
        'botbase_redis_up 1',
        `botbase_disk_free_bytes ${ROOMY.freeBytes}`,
        `botbase_disk_size_bytes ${ROOMY.totalBytes}`,
        'botbase_database_pool_connections{state="idle"} 1',
        'botbase_database_pool_waiting 0',
        'botbase_model_endpoint_circuit{endpoint="chat",state="half_open"} 1',
        'botbase_model_endpoint_circuit{endpoint="chat",state="open"} 0',
        'botbase_jobs{type="ingest-source",status="queued"} 1',
        'botbase_job_oldest_due_seconds{type="ingest-source"} 90',
      ]),
    );
  });

  it('says nothing of Redis where there is none', async () => {
    const lines = await linesOf({});
    expect(lines.filter((line) => line.startsWith('botbase_redis_up'))).toEqual([]);
    expect(lines).toContain('# TYPE botbase_redis_up gauge');
  });

  it.each([
    ['is away', away],
    ['hangs', never],
  ])('goes on while the database %s, and leaves out what it does not know', async (_how, answer) => {
    const asking = { from: () => ({ groupBy: answer, where: answer }) };
    const db = { select: () => asking, execute: answer } as unknown as Context['db'];
    const lines = await linesOf({ db, vitals: { pingRedis: answer, disk: answer } });
    expect(lines).toEqual(expect.arrayContaining(['botbase_database_up 0', 'botbase_redis_up 0']));
    expect(lines.filter((line) => /^botbase_(jobs|job_oldest|disk)\S* /.test(line))).toEqual([]);
  });
});

describe('the vitals of a process', () => {
  it('reach an endpoint that listens, and no other', async () => {
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const vitals = createVitals({
      pool: app.ctx.vitals.pool,
      dataDir: app.dataDir,
      redis: null,
      modelsUrl: `http://127.0.0.1:${port}/v1`,
    });
    await expect(vitals.reachModels?.()).resolves.toBeUndefined();
    await new Promise((resolve) => server.close(resolve));
    await expect(vitals.reachModels?.()).rejects.toThrow('ECONNREFUSED');
    const { freeBytes, totalBytes } = await vitals.disk();
    expect(freeBytes).toBeGreaterThan(0);
    expect(totalBytes).toBeGreaterThanOrEqual(freeBytes);
  });
});
