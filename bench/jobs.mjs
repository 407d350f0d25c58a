// Small texts, added and indexed, on each engine: the embedded database in one process, and, where DATABASE_URL
// and REDIS_URL are set, an API and a worker on PostgreSQL without and with Redis. node bench/jobs.mjs [jobs] [rounds]
import { describe, signUp, startBotbase } from './botbase.mjs';

const [jobCount = 300, rounds = 5] = process.argv.slice(2).map(Number);
const ADDED_AT_ONCE = 8;
const { DATABASE_URL, REDIS_URL } = process.env;

const engines = [{ name: 'embedded, one process', processes: [{}] }];
if (DATABASE_URL) {
  const roles = (shared) => [
    { ...shared, ROLE: 'api' },
    { ...shared, ROLE: 'worker' },
  ];
  engines.push({ name: 'PostgreSQL, api and worker', processes: roles({ DATABASE_URL }) });
  if (REDIS_URL) {
    const processes = roles({ DATABASE_URL, REDIS_URL });
    engines.push({ name: 'PostgreSQL and Redis, api and worker', processes });
  }
}

const figures = engines.map(() => []);
for (let round = 0; round < rounds; round += 1) {
  for (const [index, { processes }] of engines.entries()) figures[index].push(await measure(processes));
}
for (const [index, { name }] of engines.entries()) {
  console.log(
    `${name}: ${describe(figures[index])} sources/s, ${jobCount} sources of 2 KiB, ${rounds} rounds`,
  );
}

/** Sources a second, from the first request that adds one to the last that is ready. */
async function measure(processes) {
  const servers = [];
  try {
    for (const settings of processes) {
      const dataDir = servers[0] && { DATA_DIR: servers[0].dataDir };
      servers.push(await startBotbase({ ...settings, ...dataDir }));
    }
    const client = await signUp(servers[0].url);
    const text = 'A refund takes five working days and goes to the card that was used. '.repeat(30);
    const startedAt = performance.now();
    let next = 0;
    const add = async () => {
      for (let index = next++; index < jobCount; index = next++) {
        await client.send('POST', '/sources', { type: 'text', name: `s${index}`, text: `${index} ${text}` });
      }
    };
    await Promise.all(Array.from({ length: ADDED_AT_ONCE }, add));
    while ((await countReady(client)) < jobCount) await new Promise((resolve) => setTimeout(resolve, 100));
    return jobCount / ((performance.now() - startedAt) / 1000);
  } finally {
    for (const server of servers.toReversed()) await server.stop();
  }
}

async function countReady(client) {
  let count = 0;
  for (let cursor = ''; cursor !== null;) {
    const page = await client.send('GET', `/sources?status=ready&limit=100${cursor && `&cursor=${cursor}`}`);
    count += page.data.length;
    cursor = page.nextCursor;
  }
  return count;
}
