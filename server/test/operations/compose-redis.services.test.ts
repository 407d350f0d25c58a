import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { eventually } from '../eventually.js';
import { findPort } from '../faults/find-port.js';
import { runRedisCommand } from '../faults/redis-commands.js';

const MIB = 1024 * 1024;

const serviceSchema = z.object({
  command: z.tuple([z.literal('sh'), z.literal('-c'), z.string()]),
  deploy: z.object({ resources: z.object({ limits: z.object({ memory: z.string().regex(/^\d+m$/) }) }) }),
});
const composeSchema = z.object({ services: z.object({ redis: serviceSchema }) });

const password = randomBytes(24).toString('hex');
let directory: string;
let server: ChildProcess;
let url: string;
let limitBytes: number;

/** The command of compose.yaml as Compose hands it over; only the image's entrypoint is another one. */
beforeAll(async () => {
  const text = await readFile(new URL('../../../compose.yaml', import.meta.url), 'utf8');
  const { command, deploy } = composeSchema.parse(parse(text, { merge: true })).services.redis;
  limitBytes = Number.parseInt(deploy.resources.limits.memory, 10) * MIB;
  directory = await mkdtemp(join(tmpdir(), 'botbase-compose-redis-'));
  const port = await findPort();
  const place = `--bind 127.0.0.1 --port ${port} --dir ${directory}`;
  const entrypoint = `#!/bin/sh\n[ "$*" = 'redis-server -' ] && exec redis-server ${place} -\n`;
  await writeFile(join(directory, 'docker-entrypoint.sh'), entrypoint, { mode: 0o755 });
  const [shell, ...rest] = command.map((part) => part.replaceAll('$$', '$'));
  server = spawn(shell ?? '', rest, {
    env: { PATH: `${directory}:${process.env['PATH'] ?? ''}`, REDISCLI_AUTH: password },
    stdio: 'ignore',
  });
  url = `redis://default:${password}@127.0.0.1:${port}`;
  await eventually('Redis to answer', () => runRedisCommand(url, 'PING').catch(() => null));
});

afterAll(async () => {
  if (server.exitCode === null && server.signalCode === null) {
    server.kill('SIGTERM');
    await once(server, 'exit');
  }
  await rm(directory, { recursive: true, force: true });
});

async function readSetting(name: string): Promise<string> {
  const [, value] = z
    .tuple([z.string(), z.string()])
    .parse(await runRedisCommand(url, 'CONFIG', 'GET', name));
  return value;
}

describe('the Redis of compose.yaml', () => {
  it('asks for the password, which is not in its command line', async () => {
    expect(await readSetting('requirepass')).toBe(password);
    await expect(runRedisCommand(url.replace(password, 'other'), 'PING')).rejects.toThrow(
      'Connection is closed',
    );
    const commandLine = await readFile(`/proc/${server.pid}/cmdline`, 'utf8');
    expect(commandLine).toContain('redis-server');
    expect(commandLine).not.toContain(password);
  });

  it('keeps what it is told, and throws nothing away', async () => {
    expect(await readSetting('appendonly')).toBe('yes');
    expect(await readSetting('maxmemory-policy')).toBe('noeviction');
  });

  it('has room for a child that copies all of its memory while it rewrites the log', async () => {
    const maxBytes = Number(await readSetting('maxmemory'));
    expect(maxBytes).toBeGreaterThan(0);
    expect(2 * maxBytes).toBeLessThan(limitBytes);
  });
});
