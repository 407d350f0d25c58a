import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { eventually } from '../eventually.js';
import { createTokenGate } from '../fakes/token-gate.js';
import type { Reply } from './chaos-account.js';
import { type Chaos, atOnce, countRows, startChaos } from './chaos-cluster.js';

const ROUNDS = 20;
const PARALLEL = 20;
const PATIENT_MS = 600_000;
/** Calls of the model, each for some of the texts. */
const HELD = 2;
const ROUND_MS = 120_000;

let chaos: Chaos;
let userId: string;

beforeAll(async () => {
  chaos = await startChaos();
  const projectId = chaos.accounts[0].project.replace('/v1/projects/', '');
  const [row] = await chaos.cluster.query('select owner_id from projects where id = $1', [projectId]);
  userId = z.string().parse(row?.['owner_id']);
}, PATIENT_MS);
afterAll(() => chaos.close());

const post = (index: number, path: string, body: unknown) =>
  chaos.accounts[0].send(chaos.urls[index % 2 === 0 ? 0 : 1], 'POST', path, { body });
const ofAccount = 'project_id in (select id from projects where owner_id = $1)';
const countVisible = () =>
  countRows(chaos.cluster, `documents where live_version > 0 and ${ofAccount}`, [userId]);
const countProjects = () => countRows(chaos.cluster, 'projects where owner_id = $1', [userId]);
const addText = (index: number, text: string, project = chaos.accounts[0].project) =>
  post(index, `${project}/sources`, { type: 'text', name: 'Parcel', text });
const everyRound = (act: (round: number) => Promise<void>) => async () => {
  for (let round = 0; round < ROUNDS; round += 1) await act(round);
  expect(await chaos.findBroken()).toEqual([]);
};

async function setLimit(column: 'limit_chatbots' | 'limit_indexed_pages', limit: number): Promise<void> {
  await chaos.cluster.query(
    `update usage_periods set ${column} = $2 where user_id = $1 and period_end > now()`,
    [userId, limit],
  );
}

function expectOneThrough(replies: Reply[], status: number, usage: Record<string, unknown>): void {
  expect(replies.filter((reply) => reply.status === status)).toHaveLength(1);
  const refused = replies.filter((reply) => reply.status !== status);
  expect(refused.map((reply) => reply.status)).toEqual(Array.from({ length: PARALLEL - 1 }, () => 429));
  for (const reply of refused)
    expect(reply.json()).toMatchObject({ code: 'usage_limit_exceeded', usage: { ...usage, resetsAt: null } });
}

/** Waits until none of the account's sources is being read any more. */
const whenRead = () =>
  eventually(
    'all sources to be read',
    async () => {
      const waiting = `sources where status in ('queued', 'processing') and ${ofAccount}`;
      return (await countRows(chaos.cluster, waiting, [userId])) === 0 ? true : null;
    },
    ROUND_MS,
  );

describe('where one is left, of twenty at once over two processes', () => {
  it(
    'one project is made (18)',
    { timeout: PATIENT_MS },
    everyRound(async (round) => {
      const limit = (await countProjects()) + 1;
      await setLimit('limit_chatbots', limit);
      const replies = await atOnce(PARALLEL, (index) =>
        post(index, '/v1/projects', { name: `Round ${round}` }),
      );
      expectOneThrough(replies, 201, { what: 'chatbots', used: limit, limit });
      expect(await countProjects()).toBe(limit);
    }),
  );

  it(
    'one source is added (18)',
    { timeout: PATIENT_MS },
    everyRound(async (round) => {
      const limit = (await countVisible()) + 1;
      await setLimit('limit_indexed_pages', limit);
      const replies = await atOnce(PARALLEL, (index) =>
        addText(index, `In round ${round} the parcel with the number ${index} was sent by boat.`),
      );
      expectOneThrough(replies, 202, { what: 'indexedPages', used: limit, limit });
      await whenRead();
      expect(await countVisible()).toBe(limit);
    }),
  );

  it(
    'one page is indexed (18)',
    { timeout: PATIENT_MS },
    everyRound(async (round) => {
      // Of several projects: those of one are published one after the other anyway.
      const owned = await chaos.cluster.query('select id from projects where owner_id = $1 limit $2', [
        userId,
        PARALLEL,
      ]);
      const projects = owned.map(({ id }) => `/v1/projects/${String(id)}`);
      const before = await countVisible();
      const linesBefore = await countRows(chaos.cluster, `billing_events where type = 'page'`);
      await setLimit('limit_indexed_pages', before + PARALLEL);
      const embedding = createTokenGate();
      chaos.openai.set({ replyGate: embedding });
      const callsBefore = chaos.countCalls('embeddings');
      const replies = await atOnce(PARALLEL, (index) =>
        addText(
          index,
          `In round ${round} the parcel with the number ${index} was sent by rail.`,
          projects[index % projects.length],
        ),
      );
      expect(replies.map(({ status }) => status)).toEqual(Array.from({ length: PARALLEL }, () => 202));
      const ids = replies.map((reply) => z.object({ id: z.string() }).parse(reply.json()).id);
      // As many as the workers read at once: they have passed every check but the last.
      await eventually(
        'several calls of the model',
        () => (chaos.countCalls('embeddings') >= callsBefore + HELD ? true : null),
        ROUND_MS,
      );
      await setLimit('limit_indexed_pages', before + 1);
      embedding.open();
      await whenRead();
      const ended = await chaos.cluster.query(
        `select status, error->>'code' as code, count(*)::int as count from sources where id = any($1)
        group by 1, 2 order by 3`,
        [ids],
      );
      expect(ended).toEqual([
        { status: 'ready', code: null, count: 1 },
        { status: 'failed', code: 'usage_limit', count: PARALLEL - 1 },
      ]);
      expect(await countVisible()).toBe(before + 1);
      expect(await countRows(chaos.cluster, `billing_events where type = 'page'`)).toBe(linesBefore + 1);
    }),
  );
});
