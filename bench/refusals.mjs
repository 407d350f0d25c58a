// What is answered and what is refused, by the score that a search gives: SQuAD questions whose article is there, and
// those whose article has been taken away. Beside it: the threshold that the server measures by itself, and false
// alarms of `sources_differ` and of orders to a model on text that holds neither.
//
//   npm run build && node bench/refusals.mjs [--data DIRECTORY] [--share S] [COLLECTION]…
//
// The directory holds collections in BEIR layout, gzipped. `--share 0.1` asks a tenth of the questions.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { signUp, startBotbase } from './botbase.mjs';

const THRESHOLDS = [0.4, 0.5, 0.6];
const AT_ONCE = 4;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: 'string', default: '../shared/data/ir' },
    share: { type: 'string', default: '1' },
  },
});
const names =
  positionals.length > 0 ? positionals : ['squad2dev', 'xquad-en', 'xquad-de', 'xquad-ar', 'xquad-zh'];
for (const name of names) await runCollection(name);

async function runCollection(name) {
  const server = await startBotbase({});
  try {
    const project = await signUp(server.url);
    const { articles, questions } = await readCollection(name);
    const kept = new Set([...articles.keys()].filter((_, index) => index % 2 === 0));
    const sourceIds = [];
    for (const article of kept) {
      const source = { type: 'text', name: article, text: articles.get(article).join('\n\n') };
      sourceIds.push((await project.send('POST', '/sources', source)).id);
    }
    for (const id of sourceIds)
      await until(async () => (await project.send('GET', `/sources/${id}`)).status === 'ready');
    await project.send('PATCH', '', { answerOptions: { threshold: 'calibrated' } });
    const started = performance.now();
    const calibrated = await until(async () => (await project.send('GET', '')).calibratedScore);
    const calibrationMs = performance.now() - started;

    const asked = questions.filter((_, index) => index % Math.round(1 / Number(values.share)) === 0);
    const scores = { there: [], gone: [] };
    await eachAtOnce(asked, async ({ text, article }) => {
      const { results } = await project.send('POST', '/search', { query: text, topK: 8 });
      const best = Math.max(
        0,
        ...results.map(({ score, scores: { keyword } }) => Math.max(score, keyword ?? 0)),
      );
      scores[kept.has(article) ? 'there' : 'gone'].push(best);
    });
    const { there, gone } = scores;
    console.log(
      `\n${name}: ${kept.size} of ${articles.size} articles, questions ${there.length} there, ${gone.length} gone`,
    );
    console.log(`AUROC ${auroc(there, gone).toFixed(3)}`);
    console.log('threshold         answered, there  answered, gone');
    for (const threshold of [...THRESHOLDS, calibrated]) {
      const label = threshold === calibrated ? `${threshold.toFixed(3)} (measured)` : threshold.toFixed(1);
      console.log(
        `${label.padEnd(18)}${share(there, threshold).padStart(15)}${share(gone, threshold).padStart(16)}`,
      );
    }
    console.log(`measuring took ${(calibrationMs / 1_000).toFixed(1)} s`);

    await project.send('PATCH', '', { answerOptions: { threshold: 'default' } });
    let alarms = 0;
    await eachAtOnce(asked, async ({ text }) => {
      const { message } = await project.send('POST', '/chat', { message: text });
      const notice = message.notices.find(({ code }) => code === 'sources_differ');
      if (notice === undefined) return;
      alarms += 1;
      console.log('  ', notice.quotes.map(({ quote }) => quote).join('\n   '));
    });
    const { data } = await project.send('GET', '/documents?limit=100');
    const orders = data.reduce((sum, { instructionChunks }) => sum + instructionChunks, 0);
    const chunks = data.reduce((sum, { chunkCount }) => sum + chunkCount, 0);
    console.log(
      `sources_differ in ${alarms} of ${asked.length} answers; orders in ${orders} of ${chunks} chunks`,
    );
  } finally {
    await server.stop();
  }
}

/** The articles by name with their paragraphs, and the questions with the article that answers each. */
async function readCollection(name) {
  const read = async (file) => gunzipSync(await readFile(join(values.data, name, file))).toString();
  const lines = async (file) =>
    (await read(file))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  const articles = new Map();
  const articleOf = new Map();
  for (const { _id, title, text } of await lines('corpus.jsonl.gz')) {
    // Without a title the id says it: `da3p7` is of article `da3`.
    const article = title || _id.replace(/p\d+$/, '');
    articleOf.set(_id, article);
    articles.set(article, [...(articles.get(article) ?? []), text]);
  }
  const answers = new Map();
  const qrels = gunzipSync(await readFile(join(values.data, name, 'qrels.tsv.gz'))).toString();
  for (const line of qrels.trim().split('\n')) {
    const fields = line.split('\t');
    if (articleOf.has(fields.at(-2))) answers.set(fields[0], articleOf.get(fields.at(-2)));
  }
  const questions = (await lines('queries.jsonl.gz'))
    .filter(({ _id }) => answers.has(_id))
    .map(({ _id, text }) => ({ text, article: answers.get(_id) }));
  return { articles, questions };
}

/** The chance that a question which is answered scores higher than one which is not. */
function auroc(positive, negative) {
  const all = [
    ...positive.map((score) => ({ score, isThere: true })),
    ...negative.map((score) => ({ score, isThere: false })),
  ];
  all.sort((a, b) => a.score - b.score);
  let rankSum = 0;
  for (let start = 0; start < all.length;) {
    let end = start;
    while (end < all.length && all[end].score === all[start].score) end += 1;
    const rank = (start + 1 + end) / 2;
    for (let index = start; index < end; index += 1) if (all[index].isThere) rankSum += rank;
    start = end;
  }
  const count = positive.length;
  return (rankSum - (count * (count + 1)) / 2) / (count * negative.length);
}

function share(scores, threshold) {
  return `${((scores.filter((score) => score >= threshold).length / scores.length) * 100).toFixed(1)} %`;
}

async function eachAtOnce(items, act) {
  const queue = items.values();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const item of queue) await act(item);
    }),
  );
}

async function until(ask) {
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
