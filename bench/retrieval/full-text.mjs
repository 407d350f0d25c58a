// The full text search that PostgreSQL brings, as one would write it: a weighted tsvector with a GIN index.
import { createRequire } from 'node:module';
import { DEPTH } from './quality.mjs';

const require = createRequire(new URL('../../server/package.json', import.meta.url));
const { sql } = require('drizzle-orm');

const ROWS_PER_STATEMENT = 500;
/** Of `ts_rank`: a text's length counts for nothing, or its rank is divided by 1 + the logarithm of it. */
const NORMALIZATION = { none: 0, byLength: 1 };
/** The configurations of PostgreSQL 15 by language; others are split at white space. */
const CONFIGURATIONS = {
  ar: 'arabic',
  da: 'danish',
  de: 'german',
  el: 'greek',
  en: 'english',
  es: 'spanish',
  fi: 'finnish',
  fr: 'french',
  hi: 'hindi',
  hu: 'hungarian',
  it: 'italian',
  nl: 'dutch',
  no: 'norwegian',
  pt: 'portuguese',
  ro: 'romanian',
  ru: 'russian',
  sv: 'swedish',
  tr: 'turkish',
};

/** Puts collections into a table beside the product's. */
export async function loadFullText(db, collections) {
  await db.execute(sql`create table bench_texts (collection text, id text, words tsvector)`);
  for (const { name, language, documents } of collections) {
    const configuration = configurationOf(language);
    for (let start = 0; start < documents.length; start += ROWS_PER_STATEMENT) {
      const batch = documents.slice(start, start + ROWS_PER_STATEMENT);
      const column = (field) => sql`${sql.param(batch.map((document) => document[field]))}::text[]`;
      await db.execute(sql`
        insert into bench_texts
        select ${name}, id, setweight(to_tsvector(${configuration}::regconfig, title), 'A')
          || to_tsvector(${configuration}::regconfig, body)
        from unnest(${column('id')}, ${column('title')}, ${column('text')}) as row (id, title, body)`);
    }
  }
  await db.execute(sql`create index on bench_texts using gin (words)`);
  await db.execute(sql`create index on bench_texts (collection)`);
  await db.execute(sql`vacuum analyze bench_texts`);
}

/** Its ways to ask: any of the words, ranked with or without regard to length, or all of them. Each gives a ranking. */
export function fullTextSearches(db, { name, language }) {
  const configuration = configurationOf(language);
  const search = (readQuery, normalization) => async (query) => {
    const { rows } = await db.execute(sql`
      select id from bench_texts, ${readQuery(query)} as asked
      where collection = ${name} and words @@ asked
      order by ts_rank(words, asked, ${normalization}::int) desc, id limit ${DEPTH}`);
    return rows.map(({ id }) => id);
  };
  const anyOf = (query) =>
    sql`cast(replace(plainto_tsquery(${configuration}::regconfig, ${query})::text, ' & ', ' | ') as tsquery)`;
  const allOf = (query) => sql`websearch_to_tsquery(${configuration}::regconfig, ${query})`;
  return {
    any: search(anyOf, NORMALIZATION.byLength),
    anyOfAnyLength: search(anyOf, NORMALIZATION.none),
    all: search(allOf, NORMALIZATION.byLength),
  };
}

const configurationOf = (language) => CONFIGURATIONS[language] ?? 'simple';
