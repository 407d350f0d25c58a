import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type TestContext, createTestContext } from '#test/create-test-context.js';
import { createGate } from '#test/gate.js';
import type { Context } from './context.js';
import { inTransaction } from './transaction.js';

let test: TestContext;
let ctx: Context;

beforeAll(async () => {
  test = await createTestContext();
  ctx = test.ctx;
  await ctx.db.execute(sql`create table notes (id int primary key, note text)`);
});

beforeEach(async () => {
  await ctx.db.execute(sql`truncate notes`);
});

afterAll(() => test.close());

const insert = ({ db }: Pick<Context, 'db'>, id: number) =>
  db.execute(sql`insert into notes (id) values (${id})`);

async function storedIds(): Promise<unknown[]> {
  const { rows } = await ctx.db.execute(sql`select id from notes order by id`);
  return rows.map(({ id }) => id);
}

/** Throws in SQL as a server does when transactions cannot be put in an order (40001) or wait in a circle (40P01). */
const raise = ({ db }: Pick<Context, 'db'>, sqlState: string) =>
  db.execute(
    sql.raw(`do $$ begin raise exception using errcode = '${sqlState}', message = 'as asked'; end $$`),
  );

describe('inTransaction', () => {
  it('commits what was written and gives back the result', async () => {
    const result = await inTransaction(ctx, async (tx) => {
      await insert(tx, 1);
      await insert(tx, 2);
      return 'done';
    });
    expect(result).toBe('done');
    expect(await storedIds()).toEqual([1, 2]);
  });

  it('leaves nothing behind when the act throws, and throws the same error', async () => {
    const failure = new Error('no more');
    const acted = inTransaction(ctx, async (tx) => {
      await insert(tx, 1);
      throw failure;
    });
    await expect(acted).rejects.toBe(failure);
    expect(await storedIds()).toEqual([]);
  });

  it('nests as a savepoint: what fails inside is undone alone', async () => {
    await inTransaction(ctx, async (tx) => {
      await insert(tx, 1);
      const inner = inTransaction(tx, async (nested) => {
        await insert(nested, 2);
        await insert(nested, 1);
      });
      await expect(inner).rejects.toMatchObject({ cause: { code: '23505' } });
      await inTransaction(tx, (nested) => insert(nested, 3));
    });
    expect(await storedIds()).toEqual([1, 3]);
  });

  it('undoes what a savepoint kept when the transaction around it fails', async () => {
    const acted = inTransaction(ctx, async (tx) => {
      await inTransaction(tx, (nested) => insert(nested, 1));
      throw new Error('no more');
    });
    await expect(acted).rejects.toThrow('no more');
    expect(await storedIds()).toEqual([]);
  });

  it('keeps parallel transactions apart', async () => {
    const ids = Array.from({ length: 20 }, (_, id) => id);
    const acts = ids.map((id) =>
      inTransaction(ctx, async (tx) => {
        await insert(tx, id);
        await insert(tx, id + 100);
        if (id % 2 === 1) throw new Error('odd');
      }),
    );
    await Promise.allSettled(acts);
    const even = ids.filter((id) => id % 2 === 0);
    expect(await storedIds()).toEqual([...even, ...even.map((id) => id + 100)]);
  });
});

describe('afterCommit', () => {
  it('runs its tasks in order, after the outermost commit', async () => {
    const seen: string[] = [];
    await inTransaction(ctx, async (tx) => {
      tx.afterCommit(() => void seen.push('first'));
      await inTransaction(tx, async (nested) => {
        nested.afterCommit(() => void seen.push('second'));
        await insert(nested, 1);
      });
      seen.push('end of the act');
    });
    expect(seen).toEqual(['end of the act', 'first', 'second']);
  });

  it('lets a task see what was committed', async () => {
    const ids = await new Promise((resolve) => {
      void inTransaction(ctx, async (tx) => {
        tx.afterCommit(() => void storedIds().then(resolve));
        await insert(tx, 1);
      });
    });
    expect(ids).toEqual([1]);
  });

  it('forgets the tasks of a rolled-back transaction', async () => {
    const seen: string[] = [];
    const acted = inTransaction(ctx, async (tx) => {
      tx.afterCommit(() => void seen.push('never'));
      throw new Error('no more');
    });
    await expect(acted).rejects.toThrow('no more');
    expect(seen).toEqual([]);
  });

  it('forgets the tasks of a rolled-back savepoint and keeps the others', async () => {
    const seen: string[] = [];
    await inTransaction(ctx, async (tx) => {
      tx.afterCommit(() => void seen.push('outer'));
      const inner = inTransaction(tx, async (nested) => {
        nested.afterCommit(() => void seen.push('never'));
        throw new Error('no more');
      });
      await expect(inner).rejects.toThrow('no more');
    });
    expect(seen).toEqual(['outer']);
  });

  it('runs a task at once where there is no transaction', () => {
    const seen: string[] = [];
    ctx.afterCommit(() => void seen.push('now'));
    expect(seen).toEqual(['now']);
  });
});

describe('the outer context inside a transaction', () => {
  const clearMessage =
    'the outer db was used inside inTransaction: use the context that inTransaction hands over';
  const message = (error: unknown): string => {
    const cause = error instanceof Error ? error.cause : undefined;
    return error instanceof Error ? `${error.message} ${cause instanceof Error ? cause.message : ''}` : '';
  };

  it.each([
    ['a statement', () => ctx.db.execute(sql`select 1`)],
    ['a transaction', () => inTransaction(ctx, (tx) => insert(tx, 2))],
  ])('fails at once with a clear message for %s, instead of waiting for ever', async (_what, useOuter) => {
    const acted = inTransaction(ctx, async (tx) => {
      await insert(tx, 1);
      await useOuter();
    });
    expect(await acted.catch(message)).toContain(clearMessage);
    expect(await storedIds()).toEqual([]);
  });

  it('is free again afterwards, also for whoever runs meanwhile', async () => {
    const gate = createGate();
    const acted = inTransaction(ctx, async (tx) => {
      await insert(tx, 1);
      await gate.passed;
    });
    const other = insert(ctx, 2);
    gate.open();
    await Promise.all([acted, other]);
    expect(await storedIds()).toEqual([1, 2]);
  });
});

describe('transactions that a server has given up', () => {
  it.each(['40001', '40P01'])(
    'are tried again after %s, with the tasks of the last try alone',
    async (sqlState) => {
      const seen: number[] = [];
      let tries = 0;
      await inTransaction(ctx, async (tx) => {
        tries += 1;
        const thisTry = tries;
        tx.afterCommit(() => void seen.push(thisTry));
        await insert(tx, thisTry);
        if (thisTry < 3) await raise(tx, sqlState);
      });
      expect(seen).toEqual([3]);
      expect(await storedIds()).toEqual([3]);
    },
  );

  it('are tried three times at most', async () => {
    let tries = 0;
    const acted = inTransaction(ctx, async (tx) => {
      tries += 1;
      await raise(tx, '40001');
    });
    await expect(acted).rejects.toMatchObject({ cause: { code: '40001' } });
    expect(tries).toBe(3);
  });

  it('are tried again as a whole when it happens in a savepoint', async () => {
    let outerTries = 0;
    let innerTries = 0;
    await inTransaction(ctx, async (tx) => {
      outerTries += 1;
      await inTransaction(tx, async (nested) => {
        innerTries += 1;
        if (innerTries === 1) await raise(nested, '40001');
      });
    });
    expect({ outerTries, innerTries }).toEqual({ outerTries: 2, innerTries: 2 });
  });

  it('are not tried again after another error', async () => {
    let tries = 0;
    const acted = inTransaction(ctx, async (tx) => {
      tries += 1;
      await insert(tx, 1);
      await insert(tx, 1);
    });
    await expect(acted).rejects.toMatchObject({ cause: { code: '23505' } });
    expect(tries).toBe(1);
  });

  it.runIf(process.env['TEST_DATABASE_URL'])(
    'end well when two of them really lock each other out',
    async () => {
      await insert(ctx, 1);
      await insert(ctx, 2);
      const gates = [createGate(), createGate()] as const;
      const update = ({ db }: Pick<Context, 'db'>, id: number, note: string) =>
        db.execute(sql`update notes set note = coalesce(note, '') || ${note} where id = ${id}`);
      const crossing = (mine: 0 | 1, note: string) =>
        inTransaction(ctx, async (tx) => {
          await update(tx, mine + 1, note);
          gates[mine].open();
          await gates[1 - mine]?.passed;
          await update(tx, 2 - mine, note);
        });
      await Promise.all([crossing(0, 'a'), crossing(1, 'b')]);
      const { rows } = await ctx.db.execute<{ note: string }>(sql`select note from notes`);
      expect(rows.map(({ note }) => note.split('').toSorted().join(''))).toEqual(['ab', 'ab']);
    },
  );
});
