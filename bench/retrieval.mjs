// What is found, and how quickly: collections in BEIR layout through the real search, on the embedded database and,
// with a server, on PostgreSQL, beside PostgreSQL's own full text search. Without a key. Needs a build.
//
//   bash scripts/with-services.sh node bench/retrieval.mjs [--rounds N] [--mixed] [directory…]
//
// Without a directory it takes those of ../shared/data/ir; a name is looked up there too. `--mixed` adds all languages
// of XQuAD in one project.
import { parseArgs } from 'node:util';
import { runCollectionsRow } from './retrieval/collections-row.mjs';
import { mixCollections, readCollections } from './retrieval/collections.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    mixed: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const collections = readCollections(positionals);
if (values.mixed) collections.push(mixCollections(collections));
await runCollectionsRow({ collections, rounds });
