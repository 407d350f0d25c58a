import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Reply } from './chaos-account.js';
import { messageOf } from './chaos-account.js';
import { type Chaos, atOnce, countRows, startChaos } from './chaos-cluster.js';

const ROUNDS = 20;
const MANY = 50;
const PARALLEL = 20;
const PASSWORD = 'correct horse battery';

const tokensSchema = z.object({ accessToken: z.string(), refreshToken: z.string() });

let chaos: Chaos;

beforeAll(async () => {
  chaos = await startChaos();
});
afterAll(() => chaos.close());

const urlOf = (index: number) => chaos.urls[index % 2 === 0 ? 0 : 1];
const everyRound = (act: (round: number) => Promise<void>) => async () => {
  for (let round = 0; round < ROUNDS; round += 1) await act(round);
  expect(await chaos.findBroken()).toEqual([]);
};

/** Through the first account, so that what is answered is kept; without its access token. */
function post(index: number, path: string, body: unknown): Promise<Reply> {
  return chaos.accounts[0].send(urlOf(index), 'POST', path, { body, token: null });
}

const refresh = (index: number, refreshToken: string) => post(index, '/v1/auth/refresh', { refreshToken });
const tokensOf = (reply: Reply) => tokensSchema.parse(reply.json());
const statusesOf = (replies: Reply[]) =>
  [...new Set(replies.map(({ status }) => status))].toSorted((left, right) => left - right);

async function login(index: number): Promise<z.infer<typeof tokensSchema>> {
  const email = `${chaos.accounts[0].canary}@example.com`;
  return tokensOf(await post(index, '/v1/auth/login', { email, password: PASSWORD }));
}

const hashOf = (token: string) => createHash('sha256').update(token).digest('hex');
const family = `session_id = (select session_id from refresh_tokens where token_hash = $1)`;

/** Tokens of the family of this one that could still be used. */
function countLive(token: string): Promise<number> {
  const living = `exists (select 1 from sessions where id = session_id and revoked_at is null)`;
  const from = `refresh_tokens where ${family} and used_at is null and revoked_at is null and ${living}`;
  return countRows(chaos.cluster, from, [hashOf(token)]);
}

async function expectDead(token: string, accessToken: string): Promise<void> {
  expect(await countLive(token)).toBe(0);
  const me = await chaos.accounts[0].send(chaos.urls[0], 'GET', '/v1/auth/me', { token: accessToken });
  expect(me.status).toBe(401);
  const session = `audit_logs where action = 'session.revoke' and resource_id::text =
    (select session_id::text from refresh_tokens where token_hash = $1)`;
  expect(await countRows(chaos.cluster, session, [hashOf(token)])).toBe(1);
}

describe('a refresh token', () => {
  it(
    'gives two requests at once the same successor',
    everyRound(async (round) => {
      const { refreshToken } = await login(round);
      const replies = await atOnce(2, (index) => refresh(index, refreshToken));
      expect(statusesOf(replies)).toEqual([200]);
      expect(new Set(replies.map((reply) => tokensOf(reply).refreshToken)).size).toBe(1);
      expect(await countLive(refreshToken)).toBe(1);
    }),
  );

  it(
    'gives fifty requests at once one successor',
    everyRound(async (round) => {
      const { refreshToken } = await login(round);
      const replies = await atOnce(MANY, (index) => refresh(index, refreshToken));
      expect(statusesOf(replies)).toEqual([200]);
      expect(new Set(replies.map((reply) => tokensOf(reply).refreshToken)).size).toBe(1);
      expect(await countRows(chaos.cluster, `refresh_tokens where ${family}`, [hashOf(refreshToken)])).toBe(
        2,
      );
    }),
  );

  it(
    'that comes again after its time of grace ends its whole family, and no other',
    everyRound(async (round) => {
      const other = await login(round);
      const { refreshToken } = await login(round);
      const successor = tokensOf(await refresh(round, refreshToken));
      await chaos.cluster.query(
        `update refresh_tokens set used_at = used_at - interval '11 seconds' where token_hash = $1`,
        [hashOf(refreshToken)],
      );
      const replies = await atOnce(PARALLEL, (index) => refresh(index, refreshToken));
      expect(statusesOf(replies)).toEqual([401]);
      expect((await refresh(round, successor.refreshToken)).status).toBe(401);
      await expectDead(refreshToken, successor.accessToken);
      expect((await refresh(round, other.refreshToken)).status).toBe(200);
    }),
  );

  it(
    'whose successor was used ends its whole family, within its time of grace too',
    everyRound(async (round) => {
      const { refreshToken } = await login(round);
      const child = tokensOf(await refresh(round, refreshToken));
      const grandchild = tokensOf(await refresh(round + 1, child.refreshToken));
      const replies = await atOnce(PARALLEL, (index) => refresh(index, refreshToken));
      expect(statusesOf(replies)).toEqual([401]);
      expect((await refresh(round, grandchild.refreshToken)).status).toBe(401);
      await expectDead(refreshToken, grandchild.accessToken);
    }),
  );

  it(
    'is dead with its successors once a logout has answered that raced with fifty refreshes',
    everyRound(async (round) => {
      const { refreshToken } = await login(round);
      const replies = await atOnce(MANY + 1, (index) =>
        index === round ? post(index, '/v1/auth/logout', { refreshToken }) : refresh(index, refreshToken),
      );
      expect(replies[round]?.status).toBe(204);
      expect(await countLive(refreshToken)).toBe(0);
      const given = replies.filter(({ status }) => status === 200).map(tokensOf);
      for (const tokens of given.slice(0, 2)) {
        expect((await refresh(round, tokens.refreshToken)).status).toBe(401);
        const me = await chaos.accounts[0].send(chaos.urls[1], 'GET', '/v1/auth/me', {
          token: tokens.accessToken,
        });
        expect(me.status).toBe(401);
      }
    }),
  );
});

it(
  'registers an address once that fifty ask for at once, in several forms',
  everyRound(async (round) => {
    const forms = [
      `ada${round}@race.example`,
      `ADA${round}@Race.Example`,
      ` ada${round}@race.example `,
      `\uFF41da${round}@race.example`,
    ];
    const replies = await atOnce(MANY, (index) =>
      post(index, '/v1/auth/register', {
        email: forms[index % forms.length],
        password: PASSWORD,
        name: 'Ada',
      }),
    );
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(statusesOf(replies)).toEqual([201, 409]);
    expect(await countRows(chaos.cluster, 'users where email = $1', [forms[0]])).toBe(1);
  }),
);

it(
  'answers questions of one conversation one after the other, or says that it is busy',
  everyRound(async (round) => {
    const [account] = chaos.accounts;
    const callsBefore = chaos.countCalls('chat/completions');
    const first = await account.ask(urlOf(round));
    const conversationId = z.object({ conversationId: z.string() }).parse(first.json()).conversationId;
    const replies = await atOnce(PARALLEL, (index) => account.ask(urlOf(index), { conversationId }));
    expect(statusesOf(replies).filter((status) => status !== 200 && status !== 409)).toEqual([]);
    const answered = [first, ...replies.filter(({ status }) => status === 200)];
    expect(answered.length).toBeGreaterThan(1);
    expect(new Set(answered.map((reply) => messageOf(reply).id)).size).toBe(answered.length);
    const rows = await chaos.cluster.query(
      'select role, status from messages where conversation_id = $1 order by id',
      [conversationId],
    );
    expect(rows).toEqual(
      answered.flatMap(() => [
        { role: 'user', status: 'complete' },
        { role: 'assistant', status: 'complete' },
      ]),
    );
    expect(chaos.countCalls('chat/completions') - callsBefore).toBe(answered.length);
  }),
);
