// What is found, and how quickly: collections in BEIR layout through the real search, on the embedded database and,
// with a server, on PostgreSQL, beside PostgreSQL's own full text search. Without a key. Needs a build.
//
//   bash scripts/with-services.sh node bench/retrieval.mjs [--rounds N] [--mixed] [directory…]
//   bash scripts/with-services.sh node bench/retrieval.mjs --large 100000 [--rounds N]
//
// Without a directory it takes those of ../shared/data/ir; a name is looked up there too. `--mixed` adds all languages
// of XQuAD in one project. `--large` is a row of its own: one project of so many chunks.
import { parseArgs } from 'node:util';
import { runCollectionsRow } from './retrieval/collections-row.mjs';
import { mixCollections, readCollections } from './retrieval/collections.mjs';
import { runLargeRow } from './retrieval/large-row.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    mixed: { type: 'boolean', default: false },
    large: { type: 'string' },
  },
});
const rounds = Number(values.rounds);
if (values.large !== undefined) {
  await runLargeRow({ chunkCount: Number(values.large), rounds });
} else {
  const collections = readCollections(positionals);
  if (values.mixed) collections.push(mixCollections(collections));
  await runCollectionsRow({ collections, rounds });
}
