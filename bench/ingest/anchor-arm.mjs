// The least that can do the job: files cut into pieces, one call for 256 of them, one COPY for all.
import { readFile, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { encodeVector, int32, openCopy } from './copy-rows.mjs';

const require = createRequire(new URL('../../server/package.json', import.meta.url));
const { request } = require('undici');
const { Client } = require('pg');

const BATCH = 256;
const CHUNK_CHARACTERS = 1_000;
const OVERLAP_CHARACTERS = 200;
const LONGEST_WORD = 60;

const client = new Client({ connectionString: process.env.DATABASE_URL });
await client.connect();
await client.query('create table chunks (file text, position int, content text, embedding vector(1536))');
process.on('disconnect', () => process.exit());
process.on('message', ({ directory }) => void ingest(directory).then((chunks) => process.send({ chunks })));
process.send('ready');

async function ingest(directory) {
  const copy = await openCopy(client, 'chunks (file, position, content, embedding)');
  let count = 0;
  let batch = [];
  const store = async () => {
    const vectors = await embed(batch.map(({ content }) => content));
    await copy.write(
      batch.map(({ file, position, content }, index) => [
        Buffer.from(file),
        int32(position),
        Buffer.from(content),
        encodeVector(vectors[index]),
      ]),
    );
    count += batch.length;
    batch = [];
  };
  for (const file of await readdir(directory)) {
    const text = await readFile(join(directory, file), 'utf8');
    for (const [position, content] of cut(text)) {
      batch.push({ file, position, content });
      if (batch.length === BATCH) await store();
    }
  }
  if (batch.length > 0) await store();
  await copy.end();
  return count;
}

/** Pieces of 1,000 characters that end at white space; each begins with the last 200 of the one before. */
function* cut(text) {
  for (let start = 0, position = 0; start < text.length; position += 1) {
    let end = Math.min(text.length, start + CHUNK_CHARACTERS);
    if (end < text.length) {
      const space = Math.max(text.lastIndexOf(' ', end), text.lastIndexOf('\n', end));
      if (space > end - LONGEST_WORD) end = space;
    }
    yield [position, text.slice(start, end)];
    if (end === text.length) return;
    start = end - OVERLAP_CHARACTERS;
  }
}

async function embed(input) {
  for (;;) {
    const reply = await request(`${process.env.OPENAI_BASE_URL}/embeddings`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'text-embedding-3-small', input, encoding_format: 'base64' }),
    });
    const body = await reply.body.json();
    if (reply.statusCode === 200) return body.data.map(({ embedding }) => Buffer.from(embedding, 'base64'));
    if (reply.statusCode !== 429) throw new Error(`the endpoint answered ${reply.statusCode}`);
    await pause(Number(reply.headers['retry-after']) * 1_000);
  }
}
