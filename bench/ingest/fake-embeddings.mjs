// An embeddings endpoint as a process of its own: node fake-embeddings.mjs
// It speaks the wire of OpenAI, `base64` and `float`; the same text gives the same vector. Over IPC it takes its
// behaviour ({ delayMs, every429 }) and answers every message with what it has counted since the one before.
import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

const DIMENSIONS = 1536;
const LEVELS = 256;
/** The values that a number of a vector may have, so that vectors are near length 1. */
const VALUES = Float32Array.from(
  { length: LEVELS },
  (_, level) => ((level - (LEVELS - 1) / 2) / LEVELS) * 0.088,
);
const NUMBERS = Array.from(VALUES, (value) => value.toFixed(9));
const RETRY_AFTER_SECONDS = 1;

let behaviour = { delayMs: 0, every429: 0 };
let counted;
reset();

const server = createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => void answer(JSON.parse(Buffer.concat(parts)), response));
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
process.on('disconnect', () => process.exit());
process.on('message', (changes) => {
  behaviour = { ...behaviour, ...changes };
  const { texts, ...numbers } = counted;
  process.send({ ...numbers, distinctTexts: texts.size });
  reset();
});

function reset() {
  counted = { requests: 0, refused: 0, embedded: 0, mostAtOnce: 0, largest: 0, texts: new Set() };
}

let atOnce = 0;
async function answer(body, response) {
  const inputs = Array.isArray(body.input) ? body.input : [body.input];
  counted.requests += 1;
  if (behaviour.every429 > 0 && counted.requests % behaviour.every429 === 0) {
    counted.refused += 1;
    response.writeHead(429, { 'content-type': 'application/json', 'retry-after': `${RETRY_AFTER_SECONDS}` });
    response.end('{"error":{"message":"Rate limit reached","type":"requests","code":"rate_limit_exceeded"}}');
    return;
  }
  atOnce += 1;
  counted.mostAtOnce = Math.max(counted.mostAtOnce, atOnce);
  counted.largest = Math.max(counted.largest, inputs.length);
  if (behaviour.delayMs > 0) await pause(behaviour.delayMs);
  const write = body.encoding_format === 'base64' ? asBase64 : asNumbers;
  let characters = 0;
  const data = inputs.map((text, index) => {
    characters += text.length;
    const hash = hashOf(text);
    counted.texts.add(`${hash} ${text.length}`);
    return `{"object":"embedding","index":${index},"embedding":${write(hash)}}`;
  });
  counted.embedded += inputs.length;
  atOnce -= 1;
  const tokens = Math.ceil(characters / 4);
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(
    `{"object":"list","model":${JSON.stringify(body.model)},"data":[${data.join(',')}],"usage":{"prompt_tokens":${tokens},"total_tokens":${tokens}}}`,
  );
}

/** FNV-1a. */
function hashOf(text) {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}

/** Calls back with a level for each number (xorshift32). */
function forEachLevel(hash, put) {
  let state = hash || 1;
  for (let position = 0; position < DIMENSIONS; position += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    put(position, (state >>> 8) & (LEVELS - 1));
  }
}

function asBase64(hash) {
  const vector = new Float32Array(DIMENSIONS);
  forEachLevel(hash, (position, level) => {
    vector[position] = VALUES[level];
  });
  return `"${Buffer.from(vector.buffer).toString('base64')}"`;
}

function asNumbers(hash) {
  const numbers = [];
  forEachLevel(hash, (_, level) => numbers.push(NUMBERS[level]));
  return `[${numbers.join(',')}]`;
}
