// Documents into a project, and questions to it, through the public API.
import { setTimeout as pause } from 'node:timers/promises';
import { createProject } from '../botbase.mjs';
import { DEPTH } from './quality.mjs';

const ADDED_AT_ONCE = 8;
const POLL_MS = 100;
const MAX_NAME_LENGTH = 300;
/** A source must have a name, and an untitled document no title: this has no word in it. */
const UNTITLED = '-';
/** The most that the API gives. A document that was cut takes several places. */
const MOST_RESULTS = 50;

/** Each document is a source of its own. @returns the client of the project, and which source is which document */
export async function loadProject(server, token, { documents }) {
  const client = await createProject(server.url, token);
  const documentOf = new Map();
  await addSources(
    client,
    documents.filter(({ title, text }) => title !== '' || text !== ''),
    ({ title, text }) => ({
      name: title.slice(0, MAX_NAME_LENGTH) || UNTITLED,
      text: title.length > MAX_NAME_LENGTH ? `${title}\n\n${text}` : text || title,
    }),
    ({ id }, sourceId) => documentOf.set(sourceId, id),
  );
  return { client, documentOf };
}

/** Adds each item as a text and waits until all of them can be searched. */
export async function addSources(client, items, present, onAdded = () => {}) {
  await inParallel(items, ADDED_AT_ONCE, async (item) => {
    const { id } = await client.send('POST', '/sources', { type: 'text', ...present(item) });
    onAdded(item, id);
  });
  for (const status of ['queued', 'processing']) {
    while ((await countSome(client, status)) > 0) await pause(POLL_MS);
  }
  if ((await countSome(client, 'failed')) > 0) throw new Error('A source could not be indexed.');
}

async function countSome(client, status) {
  return (await client.send('GET', `/sources?status=${status}&limit=1`)).data.length;
}

/** Documents by their best passage, best first. */
export async function rankDocuments({ client, documentOf }, query) {
  const { results } = await client.send('POST', '/search', { query, topK: MOST_RESULTS });
  const ids = new Set(results.map(({ sourceId }) => documentOf.get(sourceId)));
  return [...ids].slice(0, DEPTH);
}

/** Runs `act` for each item, some at once. @returns what it gave, in order */
export async function inParallel(items, atOnce, act) {
  const given = [];
  let next = 0;
  const run = async () => {
    for (let at = next++; at < items.length; at = next++) given[at] = await act(items[at]);
  };
  await Promise.all(Array.from({ length: atOnce }, run));
  return given;
}
