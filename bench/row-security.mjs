// What row-level security costs a transaction: the same select by primary key, in a transaction of the owner and in
// one of the tenants' role, in turn, on a server with Botbase's tables.
//
//   DATABASE_URL=postgres://… node bench/row-security.mjs [rounds] [transactions]
import pg from 'pg';

const [rounds = 5, transactions = 2000] = process.argv.slice(2).map(Number);
const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
await client.connect();
const { rows } = await client.query('select id, project_id from sources order by id limit 1');
if (rows.length === 0) throw new Error('there is no source: start Botbase on this database and add one');
const [{ id, project_id: projectId }] = rows;
const BEGINS = {
  // No transaction at all: how a single read went before.
  plain: null,
  owner: 'begin',
  tenant: `begin; set local role botbase_tenant; set local app.project_id = '${projectId}'`,
};

async function millisecondsEach(begin) {
  const startedAt = performance.now();
  for (let count = 0; count < transactions; count += 1) {
    if (begin !== null) await client.query(begin);
    const found = await client.query('select * from sources where project_id = $1 and id = $2', [
      projectId,
      id,
    ]);
    if (found.rows.length !== 1) throw new Error('the row is not seen');
    if (begin !== null) await client.query('commit');
  }
  return (performance.now() - startedAt) / transactions;
}

const results = Object.fromEntries(Object.keys(BEGINS).map((who) => [who, []]));
for (let round = 0; round < rounds; round += 1) {
  for (const [who, begin] of Object.entries(BEGINS)) results[who].push(await millisecondsEach(begin));
}
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
for (const [who, values] of Object.entries(results)) {
  const range = `${Math.min(...values).toFixed(3)}–${Math.max(...values).toFixed(3)}`;
  console.log(`${who}: ${median(values).toFixed(3)} ms a transaction (${range})`);
}
console.log(`tenant / owner: ${(median(results.tenant) / median(results.owner)).toFixed(2)}`);
await client.end();
