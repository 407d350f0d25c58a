/** Where PostgreSQL keeps what was defined, by the column that tells whose it is. */
const CATALOGS = {
  pg_attrdef: 'oid',
  pg_attribute: 'attrelid',
  pg_authid: 'oid',
  pg_class: 'oid',
  pg_constraint: 'oid',
  pg_db_role_setting: 'setrole',
  pg_default_acl: 'oid',
  pg_enum: 'oid',
  pg_extension: 'oid',
  pg_index: 'indexrelid',
  pg_namespace: 'oid',
  pg_policy: 'oid',
  pg_proc: 'oid',
  pg_rewrite: 'oid',
  pg_sequence: 'seqrelid',
  pg_statistic: 'starelid',
  pg_trigger: 'oid',
  pg_type: 'oid',
};
/** What PostgreSQL itself brings along has smaller ones; settings are of the database or of a role. */
const FIRST_OWN_ID = 16_384;
/** What is no definition but follows from the rows, or from where they lie. */
const STATE_COLUMNS = `{relfilenode,relpages,reltuples,relallvisible,relallfrozen,relfrozenxid,relminmxid,indcheckxmin}`;

const definitions = Object.entries(CATALOGS).map(([catalog, id]) => {
  const own =
    catalog === 'pg_db_role_setting' || catalog === 'pg_authid' ? 'true' : `${id} >= ${FIRST_OWN_ID}`;
  return `select '${catalog} ' || (to_jsonb(entry) - '${STATE_COLUMNS}'::text[])::text as line
    from ${catalog} as entry where ${own}`;
});

/** One \`digest\` of all that was ever defined, and of what \`analyze\` noted: tables, columns, indexes, rights… */
export const DIGEST_DEFINITIONS = `
  select md5(string_agg(line, ' ' order by line)) as digest from (${definitions.join('\n union all ')}) as lines`;

/** The \`name\`, fit for a statement, of each table that takes room, if only by rows that are gone. */
export const TABLES_WITH_PAGES = `
  select format('%I.%I', nspname, relname) as name
  from pg_class join pg_namespace on pg_namespace.oid = relnamespace
  where relkind = 'r' and pg_class.oid >= ${FIRST_OWN_ID} and pg_relation_size(pg_class.oid) > 0
  order by 1`;

export const digestRows = (table: string) =>
  `select md5(string_agg(line::text, ' ' order by line::text)) as digest from ${table} as line`;

/** Append-only tables too: the triggers that guard them sleep. */
export const emptyTables = (tables: string[]) =>
  `set session_replication_role = replica; truncate ${tables.join(', ')} restart identity cascade`;

/** For what was numbered in tables that are empty again. */
export const RESTART_SEQUENCES = `
  select setval(format('%I.%I', schemaname, sequencename), start_value, false)
  from pg_sequences where last_value is not null`;
