import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Chaos, atOnce, countRows, startChaos } from './chaos-cluster.js';

const ROUNDS = 20;
const PARALLEL = 20;

let chaos: Chaos;

beforeAll(async () => {
  chaos = await startChaos();
});
afterAll(() => chaos.close());

it('answers a question once that is sent twenty times with one key, over both APIs', async () => {
  const { cluster, accounts, urls } = chaos;
  const [account] = accounts;
  const outcomes: number[][] = [];
  const bodies: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const replies = await atOnce(PARALLEL, (index) =>
      account.ask(urls[index % 2 === 0 ? 0 : 1], { key: `round-${round}` }),
    );
    outcomes.push([...new Set(replies.map(({ status }) => status))].toSorted((left, right) => left - right));
    const answers = replies.filter(({ status }) => status === 200).map(({ text }) => text);
    bodies.push(new Set(answers).size);
    const later = await account.ask(urls[round % 2 === 0 ? 1 : 0], { key: `round-${round}` });
    expect(later.text).toBe(answers[0]);
  }
  expect(outcomes.filter((statuses) => statuses.some((status) => status !== 200 && status !== 409))).toEqual(
    [],
  );
  expect(bodies).toEqual(Array.from({ length: ROUNDS }, () => 1));
  expect(await countRows(cluster, `messages where role = 'user'`)).toBe(ROUNDS);
  expect(await countRows(cluster, `messages where role = 'assistant' and status = 'complete'`)).toBe(ROUNDS);
  expect(await countRows(cluster, 'conversations')).toBe(ROUNDS);
  expect(chaos.countCalls('chat/completions')).toBe(ROUNDS);
  expect(await chaos.findBroken()).toEqual([]);
});
