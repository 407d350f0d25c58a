import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { addOns } from '#db/schema/billing.js';
import { newId } from '#kernel/ids.js';
import { AppError } from '#kernel/app-error.js';
import { mintProjectScope, systemCaller } from '#platform/scope.js';
import { inProjectTransaction, inTransaction } from '#platform/transaction.js';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { type ModelReservation, createUsageModel } from '#test/usage-model.js';
import { changePlan } from './change-plan.js';
import { expireCredits } from './expire-credits.js';
import { grantCredits } from './grant-credits.js';
import { reconcileUsage } from './reconcile-usage.js';
import { type Reservation, reserveMessage } from './reserve-message.js';
import { revokeCredits } from './revoke-credits.js';
import { settleMessage } from './settle-message.js';

/** More of them by hand: USAGE_OPERATIONS=100000. */
const OPERATIONS = Number(process.env['USAGE_OPERATIONS'] ?? 1_500);
const SEED = Number(process.env['USAGE_SEED'] ?? 20_260_115);
const MOST_AT_ONCE = 6;
const LIMITS = { mini: 40, premium: 7 };
const DAY_MS = 86_400_000;
const COST = '0.000123456';
const VALID_DAYS = 25;
/** Packages of one message each. */
const ADD_ONS = (['mini', 'premium'] as const).flatMap((tier) =>
  [VALID_DAYS, null].map((validDays) => ({ id: newId(), tier, validDays })),
);
const addOnIdOf = (tier: 'mini' | 'premium', validDays: number | null) =>
  ADD_ONS.find((addOn) => addOn.tier === tier && addOn.validDays === validDays)?.id ?? '';

let app: TestApp;
beforeAll(async () => {
  app = await createTestApp();
  await app.ctx.db.insert(addOns).values(
    ADD_ONS.map(({ id, tier, validDays }) => ({
      id,
      code: id,
      version: 1,
      name: 'One message',
      kind: `messages_${tier}` as const,
      quantity: 1,
      price: '1',
      currency: 'USD',
      validDays,
    })),
  );
  await app.ctx.db.execute(sql`update plans set limit_messages_mini = ${LIMITS.mini},
    limit_messages_premium = ${LIMITS.premium} where name = 'free'`);
});
afterAll(() => app.close());

/** Mulberry32: the same numbers for the same seed. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface OpenMessage {
  messageId: string;
  reservation: Reservation;
  model: ModelReservation;
}

const ENDS = [
  {
    end: { status: 'complete' as const, content: 'Five days.', model: 'gpt-5-mini', cost: COST },
    isCharged: true,
  },
  { end: { status: 'incomplete' as const, content: 'Five', model: null }, isCharged: true },
  { end: { status: 'incomplete' as const, content: '', model: 'gpt-5-mini' }, isCharged: false },
  { end: { status: 'failed' as const, content: 'Fi', model: null }, isCharged: false },
  { end: { status: 'complete' as const, content: 'Quoted.', model: 'builtin' }, isCharged: false },
  {
    end: {
      status: 'complete' as const,
      content: 'I cannot say.',
      model: 'gpt-5-mini',
      cost: COST,
      refusal: { reason: 'no_match' as const, suggestions: [] },
    },
    isCharged: false,
  },
];

it(
  `agrees with a simple model over ${OPERATIONS} random operations, and with its ledger`,
  { timeout: 3_600_000 },
  async () => {
    const random = createRandom(SEED);
    const below = (limit: number) => Math.floor(random() * limit);
    const { userId, token } = await app.register();
    const projectId = await app.createProject(token);
    const scope = mintProjectScope(systemCaller, projectId, 'owner');
    const model = createUsageModel(LIMITS);
    const open: OpenMessage[] = [];
    const closed: OpenMessage[] = [];
    let operations = 0;
    const outcomes = { opened: 0, refused: 0, settled: 0 };

    const openMessage = async (tier: 'mini' | 'premium') => {
      const messageId = newId();
      const place = { messageId, userId, tier, fallbackMessage: '' };
      try {
        const reservation = await inProjectTransaction(app.ctx, scope, (tx) =>
          reserveMessage(tx, scope, place),
        );
        return { messageId, reservation };
      } catch (error) {
        if (error instanceof AppError && error.code === 'usage_limit_exceeded') return null;
        throw error;
      }
    };
    const settle = ({ messageId, reservation }: OpenMessage, end: (typeof ENDS)[number]['end']) =>
      inProjectTransaction(app.ctx, scope, (tx) => settleMessage(tx, scope, { messageId, reservation, end }));

    const inAccount = <T>(act: (tx: TestApp['ctx']) => Promise<T>) => inTransaction(app.ctx, act);
    const give = async () => {
      // One after the other: of those of one instant, none is the older.
      app.clock.advance(1);
      const tier = random() < 0.5 ? 'mini' : 'premium';
      const validDays = random() < 0.3 ? null : VALID_DAYS;
      const quantity = 1 + below(10);
      const addOnId = addOnIdOf(tier, validDays);
      const purchase = { userId, addOnId, quantity, paid: null, idempotencyKey: newId() };
      const given = await inAccount(async (tx) => {
        // As a payment that is told of twice.
        await grantCredits(tx, systemCaller, purchase);
        return grantCredits(tx, systemCaller, purchase);
      });
      const now = app.ctx.clock.now().getTime();
      model.give(given.grant.id, tier, quantity, validDays === null ? null : now + validDays * DAY_MS);
    };
    const revoke = async () => {
      const grant = model.grants[below(model.grants.length)];
      if (grant === undefined) return;
      const quantity = random() < 0.5 ? ('all' as const) : below(grant.quantity + 1);
      const expected = model.revoke(grant.id, quantity, app.ctx.clock.now().getTime());
      const revocation = { grantId: grant.id, quantity, reason: 'test', idempotencyKey: newId() };
      expect(await inAccount((tx) => revokeCredits(tx, systemCaller, revocation))).toBe(expected);
    };
    const expire = async () => {
      const expected = model.expire(app.ctx.clock.now().getTime());
      expect(await expireCredits(app.ctx, new AbortController().signal)).toBe(expected);
    };
    const changeLimits = async () => {
      const limits = { mini: 5 + below(60), premium: below(12) };
      model.changeLimits(limits, app.ctx.clock.now());
      const customLimits = { messagesMini: limits.mini, messagesPremium: limits.premium };
      await inAccount((tx) =>
        changePlan(tx, systemCaller, userId, { plan: 'free', customLimits, reason: 'test' }),
      );
    };
    const stored = async () => ({
      periods: (
        await app.ctx.db.execute(sql`select to_char(period_start at time zone 'UTC', 'YYYY-MM') as month,
        used_messages_mini, used_messages_premium, reserved_messages_mini, reserved_messages_premium,
        limit_messages_mini, limit_messages_premium from usage_periods where user_id = ${userId} order by period_start`)
      ).rows,
      grants: (
        await app.ctx.db.execute(
          sql`select id, quantity, used, reserved, revoked from credit_grants where user_id = ${userId} order by id`,
        )
      ).rows,
    });
    const modelled = () => ({
      periods: [...model.periods.entries()].map(([month, { used, reserved, limits }]) => ({
        month,
        used_messages_mini: used.mini,
        used_messages_premium: used.premium,
        reserved_messages_mini: reserved.mini,
        reserved_messages_premium: reserved.premium,
        limit_messages_mini: limits.mini,
        limit_messages_premium: limits.premium,
      })),
      grants: model.grants
        .map(({ id, quantity, used, reserved, revoked }) => ({ id, quantity, used, reserved, revoked }))
        .toSorted((left, right) => left.id.localeCompare(right.id)),
    });

    while (operations < OPERATIONS) {
      const choice = random();
      if (choice < 0.45) {
        const tier = random() < 0.8 ? 'mini' : 'premium';
        const count = 1 + below(MOST_AT_ONCE);
        operations += count;
        const now = app.ctx.clock.now();
        const expected = Array.from({ length: count }, () => model.open(tier, now));
        const got = (await Promise.all(Array.from({ length: count }, () => openMessage(tier)))).filter(
          (each) => each !== null,
        );
        const places = expected.filter((each) => each !== null);
        // Which of those at once got which place does not matter.
        const grantOf = ({ reservation }: (typeof got)[number]) => reservation.creditGrantId ?? '';
        const inOrder = got.toSorted((left, right) => grantOf(left).localeCompare(grantOf(right)));
        const modelOf = (place: ModelReservation) => place.grant?.id ?? '';
        const modelInOrder = places.toSorted((left, right) => modelOf(left).localeCompare(modelOf(right)));
        expect(inOrder.map(grantOf)).toEqual(modelInOrder.map(modelOf));
        open.push(
          ...inOrder.map((each, index) => ({ ...each, model: modelInOrder[index] as ModelReservation })),
        );
        outcomes.opened += got.length;
        outcomes.refused += count - got.length;
      } else if (choice < 0.85) {
        const ending = Array.from({ length: Math.min(open.length, 1 + below(MOST_AT_ONCE)) }, () => {
          const [message] = open.splice(below(open.length), 1);
          return { message: message as OpenMessage, ...(ENDS[below(ENDS.length)] as (typeof ENDS)[number]) };
        });
        operations += ending.length;
        for (const { message, isCharged } of ending) model.close(message.model, isCharged);
        // Each twice at once, as a retry would, and now and then one that was settled long ago.
        const again = closed[below(closed.length)];
        await Promise.all([
          ...ending.flatMap(({ message, end }) => [settle(message, end), settle(message, end)]),
          ...(again === undefined ? [] : [settle(again, ENDS[0]!.end)]),
        ]);
        closed.push(...ending.map(({ message }) => message));
        outcomes.settled += ending.length;
      } else if (choice < 0.93) {
        operations += 1;
        app.clock.advance(below(4 * DAY_MS));
      } else if (choice < 0.97) {
        operations += 1;
        await give();
      } else if (choice < 0.985) {
        operations += 1;
        await revoke();
      } else if (choice < 0.99) {
        operations += 1;
        await expire();
      } else {
        operations += 1;
        await changeLimits();
      }
    }
    expect(await stored()).toEqual(modelled());
    expect(outcomes.refused).toBeGreaterThan(OPERATIONS / 100);
    const { counters, differences } = await reconcileUsage(app.ctx);
    expect(differences).toEqual([]);
    expect(counters).toBeGreaterThan(10);
  },
);
