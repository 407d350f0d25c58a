// Collections in BEIR layout: `corpus.jsonl`, `queries.jsonl` and `qrels.tsv` (or `qrels/test.tsv`), gzipped or not.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

const SHARED = fileURLToPath(new URL('../../../shared/data/ir', import.meta.url));
const CORPUS = ['corpus.jsonl.gz', 'corpus.jsonl'];
const QUERIES = ['queries.jsonl.gz', 'queries.jsonl'];
const JUDGEMENTS = ['qrels.tsv.gz', 'qrels.tsv', 'qrels/test.tsv.gz', 'qrels/test.tsv'];
const MIXED = /^xquad-[a-z]{2}$/;

/**
 * Reads the collections of some directories: each is one, or holds several. Those without judgements are left out.
 * @returns `{ name, language, documents: [{ id, title, text }], queries: [{ id, text, relevant: Map<id, grade> }] }`
 */
export function readCollections(paths) {
  const directories = (paths.length > 0 ? paths : [SHARED]).flatMap(listDirectories);
  if (directories.length === 0) throw new Error(`There is no collection in ${paths.join(', ') || SHARED}.`);
  return directories.map(readCollection).filter(({ queries }) => queries.length > 0);
}

/** All XQuAD languages in one, as of a project that is asked in many languages. */
export function mixCollections(collections) {
  const parts = collections.filter(({ name }) => MIXED.test(name));
  if (parts.length < 2) throw new Error('There are no XQuAD collections to mix.');
  return {
    name: 'xquad-mixed',
    language: null,
    documents: parts.flatMap(({ documents }) => documents),
    queries: parts.flatMap(({ queries }) => queries),
  };
}

function listDirectories(path) {
  const directory = existsSync(path) ? path : join(SHARED, path);
  if (findFile(directory, CORPUS) !== undefined) return [directory];
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .toSorted()
    .map((name) => join(directory, name))
    .filter((inner) => findFile(inner, CORPUS) !== undefined);
}

function readCollection(directory) {
  const judgements = new Map();
  for (const line of linesOf(directory, JUDGEMENTS)) {
    const [query, document, grade] = line.split('\t');
    // The first line is a head; what is graded 0 was looked at and is not relevant.
    if (!(Number(grade) > 0)) continue;
    if (!judgements.has(query)) judgements.set(query, new Map());
    judgements.get(query).set(document, Number(grade));
  }
  const name = basename(directory);
  return {
    name,
    language: /-([a-z]{2})$/.exec(name)?.[1] ?? 'en',
    documents: linesOf(directory, CORPUS)
      .map((line) => JSON.parse(line))
      .map(({ _id, title = '', text }) => ({ id: _id, title: title.trim(), text: text.trim() })),
    queries: linesOf(directory, QUERIES)
      .map((line) => JSON.parse(line))
      .filter(({ _id }) => judgements.has(_id))
      .map(({ _id, text }) => ({ id: _id, text, relevant: judgements.get(_id) })),
  };
}

const findFile = (directory, names) =>
  names.map((name) => join(directory, name)).find((path) => existsSync(path));

function linesOf(directory, names) {
  const path = findFile(directory, names);
  if (path === undefined) return [];
  const bytes = readFileSync(path);
  return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString().split('\n').filter(Boolean);
}
