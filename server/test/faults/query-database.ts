import pg from 'pg';

export type DatabaseRow = Record<string, unknown>;

/** Runs a statement on a connection of its own. */
export async function queryDatabase(
  url: string,
  statement: string,
  values: unknown[] = [],
): Promise<DatabaseRow[]> {
  const client = new pg.Client({ connectionString: url });
  // A server that goes down tells its idle connections; the query itself rejects.
  client.on('error', () => {});
  await client.connect();
  try {
    const { rows } = await client.query<DatabaseRow>(statement, values);
    return rows;
  } finally {
    await client.end();
  }
}
