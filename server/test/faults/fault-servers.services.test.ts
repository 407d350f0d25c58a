import { afterEach, describe, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from './start-postgres.js';
import { type RedisServer, startRedis } from './start-redis.js';

const opened: { close: () => Promise<void> }[] = [];
const keep = <Server extends RedisServer | PostgresServer>(server: Server): Server => {
  opened.push(server);
  return server;
};
afterEach(async () => {
  for (const server of opened.splice(0)) await server.close();
});

describe('a Redis server of a test', () => {
  it('has its data after a restart and after SIGKILL, on the same port', async () => {
    const redis = keep(await startRedis());
    await redis.command('SET', 'name', 'Ada');
    await redis.restart();
    expect(await redis.command('GET', 'name')).toBe('Ada');
    await redis.command('SET', 'name', 'Grace');
    await redis.kill('SIGKILL');
    await expect(redis.command('PING')).rejects.toThrow('Connection is closed');
    await redis.start();
    expect(await redis.command('GET', 'name')).toBe('Grace');
    await redis.command('FLUSHALL');
    expect(await redis.command('GET', 'name')).toBe(null);
  });

  it('forgets at a restart where nothing is persistent', async () => {
    const redis = keep(await startRedis({ isPersistent: false }));
    await redis.command('SET', 'name', 'Ada');
    await redis.restart();
    expect(await redis.command('GET', 'name')).toBe(null);
  });

  it('answers nothing while it is stopped by a signal, and everything after that', async () => {
    const redis = keep(await startRedis());
    await redis.kill('SIGSTOP');
    const reply = redis.command('PING');
    await redis.kill('SIGCONT');
    expect(await reply).toBe('PONG');
    await redis.kill('SIGSTOP');
    await redis.stop();
    await expect(redis.command('PING')).rejects.toThrow('Connection is closed');
  });

  it('refuses writes when its memory is full', async () => {
    const redis = keep(await startRedis());
    await redis.command('CONFIG', 'SET', 'maxmemory', '1');
    await expect(redis.command('SET', 'name', 'Ada')).rejects.toThrow('OOM');
  });
});

describe('a PostgreSQL server of a test', () => {
  it('has what was committed after every kind of end, on the same port', async () => {
    const postgres = keep(await startPostgres({ settings: { max_connections: '20' } }));
    await postgres.query('create extension vector');
    await postgres.query('create table ends (how text)');
    const survive = async (how: string, end: () => Promise<void>) => {
      await postgres.query('insert into ends values ($1)', [how]);
      await end();
    };
    await survive('fast', () => postgres.restart('fast'));
    await survive('immediate', () => postgres.restart('immediate'));
    await survive('kill', async () => {
      // A process that serves a query does not see at once that its parent is gone.
      const busy = postgres.query('select pg_sleep(1)').catch(() => null);
      await postgres.kill('SIGKILL');
      await postgres.start();
      await busy;
    });
    await survive('stop', async () => {
      await postgres.stop();
      await expect(postgres.query('select 1')).rejects.toThrow('ECONNREFUSED');
      await postgres.start();
    });
    expect(await postgres.query('select how from ends')).toEqual([
      { how: 'fast' },
      { how: 'immediate' },
      { how: 'kill' },
      { how: 'stop' },
    ]);
    expect(await postgres.query('show max_connections')).toEqual([{ max_connections: '20' }]);
  });
});
