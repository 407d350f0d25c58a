// Nearest neighbours of tenants of very different sizes, by the product's own search and by bare SQL, on the embedded
// database and, with a server, on PostgreSQL. Needs a build.
//
//   bash scripts/with-services.sh node bench/tenants.mjs [--rounds N] [--share S]
import { parseArgs } from 'node:util';
import { runTenantsRow } from './retrieval/tenants-row.mjs';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, share: { type: 'string', default: '1' } },
});
await runTenantsRow({ rounds: Number(values.rounds), share: Number(values.share) });
