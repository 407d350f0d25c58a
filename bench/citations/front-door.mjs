import { once } from 'node:events';
import { createServer } from 'node:http';
import { signUp, startBotbase } from '../botbase.mjs';
import { lieAbout } from './lying-model.mjs';
import { randomOf } from './random.mjs';

const ANSWERS = 10_000;
const DOCUMENTS_PER_COLLECTION = 60;
const AT_ONCE = 8;
const SOURCE = /<source_(?<key>[\da-f]+) number="\d+"[^>]*>\n(?<text>[\s\S]*?)\n<\/source_\k<key>>/gu;

/** The same lies through the whole program, from a model endpoint to the API: each quote beside its document's text. */
export async function measureFrontDoor(collections) {
  const endpoint = await startLyingEndpoint(randomOf(7));
  const app = await startBotbase({ OPENAI_BASE_URL: endpoint.url, OPENAI_EMBEDDING_MODEL: 'none' });
  try {
    const client = await signUp(app.url);
    const questions = await addSources(client, collections);
    const contents = new Map();
    const counts = { answers: 0, refused: 0, citations: 0, wrong: 0, strayMarkers: 0 };
    const ask = async () => {
      while (counts.answers < ANSWERS) {
        const message = questions[counts.answers % questions.length];
        counts.answers += 1;
        await check(client, (await client.send('POST', '/chat', { message })).message, { contents, counts });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, ask));
    process.stdout.write(
      `${counts.answers} answers of it through the API, ${counts.refused} of them refusals, ${counts.citations} citations: ` +
        `${counts.wrong} quotes that are not their document's text, ${counts.strayMarkers} markers without a citation\n`,
    );
  } finally {
    await app.stop();
    endpoint.close();
  }
}

async function check(client, message, { contents, counts }) {
  if (message.refusal !== null) counts.refused += 1;
  for (const { documentId, quote, start, end } of message.citations) {
    if (!contents.has(documentId)) contents.set(documentId, client.send('GET', `/documents/${documentId}`));
    const { content } = await contents.get(documentId);
    counts.citations += 1;
    if (quote === '' || content.slice(start, end) !== quote) counts.wrong += 1;
  }
  const known = new Set(message.citations.map(({ index }) => index));
  for (const { start, end } of message.sentences ?? []) {
    // Sentences of code alone are none: what stands in brackets there is no marker.
    const prose = message.content.slice(start, end).replaceAll(/`[^`]*`/gu, '');
    for (const [, digits] of prose.matchAll(/ \[(\d{1,3})\](?=[ .]|$)/gu)) {
      if (!known.has(Number(digits))) counts.strayMarkers += 1;
    }
  }
}

async function addSources(client, collections) {
  const questions = [];
  for (const { passages, queries, qrels } of collections) {
    const kept = passages.slice(0, DOCUMENTS_PER_COLLECTION);
    const ids = new Set(kept.map(({ _id }) => _id));
    for (const { title, text, _id } of kept) {
      await client.send('POST', '/sources', { type: 'text', name: title || _id, text });
    }
    const answered = new Set(
      qrels.map((line) => line.split('\t')).flatMap(([query, id]) => (ids.has(id) ? [query] : [])),
    );
    questions.push(...queries.filter(({ _id }) => answered.has(_id)).map(({ text }) => text));
  }
  for (;;) {
    const { data } = await client.send('GET', '/sources?limit=100&status=queued');
    const { data: inWork } = await client.send('GET', '/sources?limit=100&status=processing');
    if (data.length + inWork.length === 0) return questions;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** An OpenAI-compatible endpoint that streams lies about the sources in its prompt, cut anywhere. */
async function startLyingEndpoint(random) {
  const lie = async (request, response) => {
    let body = '';
    for await (const piece of request.setEncoding('utf8')) body += piece;
    const [{ content }] = JSON.parse(body).messages;
    const passages = Array.from(content.matchAll(SOURCE), ({ groups }) => ({ text: groups.text }));
    const answer = passages.length === 0 ? 'Nobody knows.' : lieAbout(passages, random);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (let start = 0; start < answer.length;) {
      const length = 1 + Math.floor(random() * 12);
      response.write(chunk({ content: answer.slice(start, start + length) }));
      start += length;
    }
    response.end(`${chunk({}, 'stop')}data: [DONE]\n\n`);
  };
  const server = createServer((request, response) => void lie(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${server.address().port}/v1`, close: () => server.close() };
}

function chunk(delta, finish = null) {
  const choices = [{ index: 0, delta, finish_reason: finish }];
  return `data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', created: 0, model: 'm', choices })}\n\n`;
}
