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

/** Append-only tables too, and in any order: triggers and foreign keys sleep. Five times quicker than \`truncate\`. */
export const deleteRows = (tables: string[]) =>
  `set session_replication_role = replica; ${tables.map((table) => `delete from ${table}`).join('; ')}`;

/** Gives back the room too, or the planner would reckon with it. Not within a transaction. */
export const vacuumTables = (tables: string[]) => `vacuum ${tables.join(', ')}`;

/** What the planner takes a table for that was never looked at, but for one that it knows to be empty. */
export const FORGET_SIZES = `
  update pg_class set relpages = 0, reltuples = -1, relallvisible = 0
  where oid >= ${FIRST_OWN_ID} and relkind in ('r', 't') and reltuples = 0`;

/** The \`name\` of each index of a table. */
export const INDEXES = `
  select format('%I.%I', nspname, relname) as name
  from pg_class join pg_namespace on pg_namespace.oid = relnamespace
  where relkind = 'i' and pg_class.oid >= ${FIRST_OWN_ID} and nspname <> 'pg_toast'
  order by 1`;

/** Those of them that have grown: their pages stay when the rows are gone. */
export const GROWN_INDEXES = INDEXES.replace(
  'order by',
  'and pg_relation_size(pg_class.oid) > 16 * 8192 order by',
);

export const dropIndex = (index: string) => `drop index ${index}`;

/** How each column is stored, as the statement (\`name\`) that makes it so: with an embedding model the start changes it. */
export const COLUMN_STORAGE = `
  select format('alter table %s alter column %I set storage %s', attrelid::regclass, attname,
    case attstorage when 'p' then 'plain' when 'e' then 'external' when 'm' then 'main' else 'extended' end) as name
  from pg_attribute join pg_class on pg_class.oid = attrelid
  where attrelid >= ${FIRST_OWN_ID} and relkind = 'r' and attnum > 0 and not attisdropped
  order by attrelid, attnum`;

export const rebuildIndex = (index: string) => `reindex index ${index}`;

/** For what was numbered in tables that are empty again. */
export const RESTART_SEQUENCES = `
  select setval(format('%I.%I', schemaname, sequencename), start_value, false)
  from pg_sequences where last_value is not null`;
