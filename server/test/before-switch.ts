import type { Context } from '#platform/context.js';

type Transaction = Context['db']['transaction'];

class SwitchReached extends Error {}

/**
 * The context with a database that does something else first when the segments of an index are to be switched, or when
 * those are to be deleted that a switch has replaced.
 */
export function beforeSwitch(
  ctx: Context,
  step: 'switch' | 'deletion',
  before: () => Promise<void>,
): Context {
  let hasSwitched = false;
  const transaction: Transaction = async (act, config) => {
    if (config?.accessMode === 'read only') return ctx.db.transaction(act, config);
    if (hasSwitched && step === 'deletion') await before();
    try {
      return await ctx.db.transaction((tx) => act(stoppedAtSwitch(tx)), config);
    } catch (error) {
      if (!(error instanceof SwitchReached)) throw error;
    }
    // Nothing of it is left: it has not begun as far as anybody can see.
    if (step === 'switch') await before();
    hasSwitched = true;
    return ctx.db.transaction(act, config);
  };
  return { ...ctx, db: replaced(ctx.db, 'transaction', transaction) };
}

function stoppedAtSwitch<T extends Pick<Context['db'], 'execute'>>(tx: T): T {
  const execute: T['execute'] = (query) => {
    const isSwitch = JSON.stringify(query).includes('set index_version = index_version + 1');
    if (isSwitch) throw new SwitchReached();
    return tx.execute(query);
  };
  return replaced(tx, 'execute', execute);
}

function replaced<T extends object, Name extends keyof T>(target: T, name: Name, value: T[Name]): T {
  return new Proxy(target, {
    get: (own, asked) => (asked === name ? value : (Reflect.get(own, asked) as unknown)),
  });
}
