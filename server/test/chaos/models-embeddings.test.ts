import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { FakeOpenAIMode } from '../fakes/fake-openai-options.js';
import { eventually } from '../eventually.js';
import { countRows } from './chaos-cluster.js';
import { note } from './recovery-times.js';
import { type Chaos, startChaos } from './chaos-cluster.js';

/** As many as are embedded in one call. */
const BATCH = 256;
const BATCHES = 20;
const SECTION_SENTENCES = 20;
/** Calls that a worker makes at once, and the one that it prepares: what a crash or a failed attempt may lose. */
const IN_FLIGHT = 9;
const READY_MS = 120_000;

let chaos: Chaos;
let documents = 0;

beforeAll(async () => {
  chaos = await startChaos();
  chaos.openai.set({ retryAfter: '1' });
});
afterAll(() => chaos.close());
afterEach(() => chaos.openai.set({ mode: 'normal' }));

/** Sections that are chunks of their own: long, and each with words of its own. */
function newDocument(): string {
  documents += 1;
  return Array.from({ length: BATCH * BATCHES }, (_, section) => {
    const name = `${section} of book ${documents}`;
    return `# Section ${name}\n\n${`Sentence of section ${name} stands here. `.repeat(SECTION_SENTENCES)}`;
  }).join('\n\n');
}

/** Uploads a document of which some calls for embeddings fail. @returns what was called and paid for */
async function indexWhile(
  isFailing: (call: number, texts: readonly string[]) => boolean,
  mode: FakeOpenAIMode,
) {
  const { openai, accounts, urls } = chaos;
  let calls = 0;
  const paidFor: string[] = [];
  openai.set({
    mode: ({ path, body }) => {
      if (!path.endsWith('/embeddings')) return 'normal';
      calls += 1;
      const texts = body['input'] as string[];
      if (isFailing(calls, texts)) return mode;
      paidFor.push(...texts);
      return 'normal';
    },
  });
  const sourceId = await accounts[0].upload(urls[documents % 2 === 0 ? 0 : 1], `book.md`, newDocument());
  await eventually(
    'the source to be ready',
    async () => ((await accounts[0].findStatus(urls[1], sourceId)) === 'ready' ? true : null),
    READY_MS,
  );
  return { sourceId, calls, paidFor };
}

async function expectWhole(sourceId: string): Promise<void> {
  const ofSource = `join documents on documents.id = document_chunks.document_id where documents.source_id = $1`;
  expect(await countRows(chaos.cluster, `document_chunks ${ofSource}`, [sourceId])).toBe(BATCH * BATCHES);
  expect(await chaos.findBroken()).toEqual([]);
}

it.each<FakeOpenAIMode>(['rate_limited', 'server_error', 'reset'])(
  'a batch in the middle that fails once by %s is asked for again, and no other',
  async (mode) => {
    const { sourceId, calls, paidFor } = await indexWhile((call) => call === 7, mode);
    expect([calls, paidFor.length, new Set(paidFor).size]).toEqual([
      BATCHES + 1,
      BATCH * BATCHES,
      BATCH * BATCHES,
    ]);
    await expectWhole(sourceId);
    expect(
      await countRows(chaos.cluster, `jobs where payload ->> 'sourceId' = $1 and attempts = 1`, [sourceId]),
    ).toBe(1);
  },
);

it('an attempt that fails in the middle leaves what it has to the next, which asks for the rest', async () => {
  let failures = 0;
  // Three tries of one batch.
  const isOfBatch = (texts: readonly string[]) => texts.some((text) => text.includes('section 1500 of'));
  const { sourceId, calls, paidFor } = await indexWhile(
    (_call, texts) => isOfBatch(texts) && (failures += 1) <= 3,
    'server_error',
  );
  expect(new Set(paidFor).size).toBe(BATCH * BATCHES);
  expect(paidFor.length - BATCH * BATCHES).toBeLessThanOrEqual(IN_FLIGHT * BATCH);
  expect(calls).toBeLessThanOrEqual(BATCHES + 3 + IN_FLIGHT);
  await expectWhole(sourceId);
  expect(
    await countRows(chaos.cluster, `jobs where payload ->> 'sourceId' = $1 and attempts = 2`, [sourceId]),
  ).toBe(1);
});

it('an endpoint that is dead for a while is asked little, and the source is ready in the end', async () => {
  const deadUntil = Date.now() + 15_000;
  let callsWhileDead = 0;
  const isDead = () => {
    if (Date.now() >= deadUntil) return false;
    callsWhileDead += 1;
    return true;
  };
  const { sourceId, paidFor } = await indexWhile(isDead, 'server_error');
  expect([paidFor.length, new Set(paidFor).size]).toEqual([BATCH * BATCHES, BATCH * BATCHES]);
  // All in flight fail at once and open the circuit of a process; then a probe each few seconds.
  expect(callsWhileDead).toBeLessThanOrEqual(2 * (IN_FLIGHT + 6));
  note(`embeddings dead for 15 s: ${callsWhileDead} calls`);
  await expectWhole(sourceId);
});

it('a worker that is killed in the middle leaves what it has paid for to the other', async () => {
  const { openai, accounts, urls } = chaos;
  const callsBefore = chaos.countCalls('embeddings');
  const paidFor: string[] = [];
  openai.set({
    mode: ({ path, body }) => {
      if (!path.endsWith('/embeddings')) return 'normal';
      if (chaos.countCalls('embeddings') - callsBefore === 7) return 'hang';
      paidFor.push(...(body['input'] as string[]));
      return 'normal';
    },
  });
  const sourceId = await accounts[1].upload(urls[1], 'book.md', newDocument());
  await eventually('the seventh call', () =>
    chaos.countCalls('embeddings') - callsBefore >= 7 ? true : null,
  );
  const worker = await chaos.findCaller('embeddings');
  await worker.end('SIGKILL');
  await eventually(
    'the source to be ready',
    async () => ((await accounts[1].findStatus(urls[0], sourceId)) === 'ready' ? true : null),
    READY_MS,
  );
  await worker.start();
  expect(new Set(paidFor).size).toBe(BATCH * BATCHES);
  expect(paidFor.length - BATCH * BATCHES).toBeLessThanOrEqual(IN_FLIGHT * BATCH);
  expect(chaos.countCalls('embeddings') - callsBefore).toBeLessThanOrEqual(BATCHES + 1 + IN_FLIGHT);
  await expectWhole(sourceId);
});
