// Idle followers of a source, and answers that stream at 20 tokens a second, on one API process.
// node bench/streams.mjs [idle connections] [streams…]; DATABASE_URL and REDIS_URL are used where they are set.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { describe, quantile, readUsage, signUp, startBotbase } from './botbase.mjs';

const [idleCount = 10_000, ...streamCounts] = process.argv.slice(2).map(Number);
const counts = streamCounts.length > 0 ? streamCounts : [500, 1000];
const TOKENS_PER_SECOND = 20;
const TOKENS = 300;
const OPEN_AT_ONCE = 50;
const { DATABASE_URL, REDIS_URL } = process.env;
const servers = { ...(DATABASE_URL && { DATABASE_URL }), ...(REDIS_URL && { REDIS_URL }) };

const model = spawn(
  process.execPath,
  [fileURLToPath(new URL('token-model.mjs', import.meta.url)), TOKENS_PER_SECOND, TOKENS],
  { stdio: ['ignore', 'pipe', 'inherit'] },
);
const [port] = await once(model.stdout, 'data');
const settings = {
  ...servers,
  OPENAI_BASE_URL: `http://127.0.0.1:${String(port).trim()}/v1`,
  OPENAI_EMBEDDING_MODEL: 'none',
};

try {
  for (const count of counts) await measureStreams(count);
  await measureIdle(idleCount);
} finally {
  model.kill();
}

async function measureStreams(count) {
  const server = await startBotbase(settings);
  try {
    const client = await signUp(server.url);
    const { id } = await client.send('POST', '/sources', {
      type: 'text',
      name: 'Refunds',
      text: 'A refund takes five working days. It goes to the card that was used.',
    });
    while ((await client.send('GET', `/sources/${id}`)).status !== 'ready') await pause(100);
    const before = await readUsage(server.url);
    const gaps = [];
    const statuses = {};
    const body = JSON.stringify({ message: 'How long does a refund take?', stream: true });
    const startedAt = performance.now();
    const ends = [];
    for (let opened = 0; opened < count; opened += OPEN_AT_ONCE) {
      const batch = Array.from({ length: Math.min(OPEN_AT_ONCE, count - opened) }, () =>
        openStream(server.url, client, 'POST', '/chat', body),
      );
      for (const stream of await Promise.all(batch)) ends.push(follow(stream, gaps, statuses));
    }
    const openedSeconds = (performance.now() - startedAt) / 1000;
    const atOpen = await readUsage(server.url);
    const countedFrom = gaps.length;
    const sampledAt = performance.now();
    await pause(8_000);
    const later = await readUsage(server.url);
    const seconds = (performance.now() - sampledAt) / 1000;
    // Only while all of them stream: neither the opening nor the end.
    const steady = gaps.slice(countedFrom).toSorted((a, b) => a - b);
    await Promise.all(ends);
    console.log(
      `${count} answers at ${TOKENS_PER_SECOND} tokens/s: gap p50 ${quantile(steady, 0.5).toFixed(1)} ms, ` +
        `p99 ${quantile(steady, 0.99).toFixed(1)} ms, most ${steady.at(-1).toFixed(0)} ms (${steady.length} gaps); ` +
        `server ${Math.round(((later.cpuSeconds - atOpen.cpuSeconds) / seconds) * 100)} % of a core, ` +
        `${megabytes(later.residentBytes)} MB (${megabytes(before.residentBytes)} before); ` +
        `all open after ${openedSeconds.toFixed(1)} s; ends ${JSON.stringify(statuses)}`,
    );
  } finally {
    await server.stop();
  }
}

async function measureIdle(count) {
  const server = await startBotbase({ ...settings, ...(DATABASE_URL && { ROLE: 'api' }) });
  try {
    const client = await signUp(server.url);
    // Without a server the worker in the same process would end it: then it is a page that never answers.
    const { id } = await client.send('POST', '/sources', {
      type: 'text',
      name: 'Queued',
      text: 'It waits for a worker.',
    });
    if (!DATABASE_URL)
      return console.log('idle connections: needs DATABASE_URL (a source that stays queued)');
    const before = await readUsage(server.url);
    const startedAt = performance.now();
    const streams = [];
    for (let opened = 0; opened < count; opened += OPEN_AT_ONCE) {
      const batch = Array.from({ length: OPEN_AT_ONCE }, () =>
        openStream(server.url, client, 'GET', `/sources/${id}/events`),
      );
      for (const stream of await Promise.all(batch)) streams.push(stream.resume());
    }
    const seconds = (performance.now() - startedAt) / 1000;
    const opened = await readUsage(server.url);
    await pause(15_000);
    const idle = await readUsage(server.url);
    const each = (idle.residentBytes - before.residentBytes) / count / 1024;
    const held = streams.filter((stream) => !stream.destroyed && !stream.readableEnded).length;
    const latencies = [];
    for (let index = 0; index < 20; index += 1) {
      const askedAt = performance.now();
      await client.send('GET', '/sources');
      latencies.push(performance.now() - askedAt);
    }
    console.log(
      `${held} of ${count} idle connections held: opened in ${seconds.toFixed(1)} s, ${each.toFixed(1)} KiB each, ` +
        `${megabytes(idle.residentBytes)} MB in all; idle they take ` +
        `${Math.round(((idle.cpuSeconds - opened.cpuSeconds) / 15) * 100)} % of a core; a list beside them takes ${describe(latencies)} ms`,
    );
    for (const stream of streams) stream.destroy();
    return undefined;
  } finally {
    await server.stop();
  }
}

async function openStream(url, { token, projectId }, method, path, body) {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const sent = request(`${url}/v1/projects/${projectId}${path}`, { method, headers, agent: false });
  sent.end(body);
  const [response] = await once(sent, 'response');
  if (response.statusCode !== 200) throw new Error(`${method} ${path}: ${response.statusCode}`);
  return response;
}

/** Notes the time between pieces of text; two that came in one read have no gap. */
async function follow(stream, gaps, statuses) {
  stream.setEncoding('utf8');
  let lastAt = null;
  let status = 'none';
  for await (const text of stream) {
    status = /"status":"(complete|incomplete|failed)"/.exec(text)?.[1] ?? status;
    if (!text.includes('event: delta')) continue;
    const now = performance.now();
    if (lastAt !== null) gaps.push(now - lastAt);
    lastAt = now;
  }
  statuses[status] = (statuses[status] ?? 0) + 1;
}

function megabytes(bytes) {
  return Math.round(bytes / 1024 / 1024);
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
