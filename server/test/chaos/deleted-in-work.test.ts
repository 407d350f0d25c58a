import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../eventually.js';
import { openAccount } from './chaos-account.js';
import { type Chaos, countRows, startChaos } from './chaos-cluster.js';
import { jobStages, newText } from './job-stages.js';
import { type PageServer, startPageServer } from './page-server.js';
import { recordRecovery } from './recovery-times.js';

const STOPPED_MS = 5_000;

const stopping = recordRecovery('source or project deleted -> its job has stopped');
let chaos: Chaos;
let pages: PageServer;

beforeAll(async () => {
  const { text } = newText();
  pages = await startPageServer(`<title>Ship</title><main><h1>Ship</h1><p>${text}</p></main>`);
  chaos = await startChaos();
});
afterAll(async () => {
  stopping.print();
  await chaos.close();
  await pages.close();
});
afterEach(async () => {
  chaos.hangEmbeddings(false);
  pages.hold(false);
  pages.release();
});

describe.each(['source', 'project'] as const)('a %s that is deleted', (what) => {
  it.each(jobStages)(
    'while its job is at the stage $stage stops it within 5 s and stays deleted',
    async ({ stage, catchJob }) => {
      const { cluster, urls } = chaos;
      // Not one of the tenants whose sources must be there in the end.
      const account = await openAccount(urls[0]);
      const { sourceId, worker, release, hasStopped } = await catchJob(chaos, account, pages);
      const path = what === 'source' ? `${account.project}/sources/${sourceId}` : account.project;
      const endsBefore = countEnds(worker.logLines());
      const deleting = account.send(urls[1], 'DELETE', path);
      if (hasStopped === null) {
        // Both want the same rows: the deletion waits for the table, or for the job.
        await eventually('the deletion to wait as well', async () =>
          (await countRows(
            cluster,
            `pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
          )) > 1
            ? true
            : null,
        );
        await release();
      }
      expect((await deleting).status).toBe(204);
      const deletedAt = performance.now();
      await eventually('the attempt to end', async () => {
        const hasEnded = countEnds(worker.logLines()) > endsBefore;
        return hasEnded && (await hasStopped?.()) !== false ? true : null;
      });
      expect(stopping.add(deletedAt)).toBeLessThan(STOPPED_MS);
      await release();

      const isLeft = (table: string, column: string, id: string) =>
        countRows(cluster, `${table} where ${column} = $1`, [id]);
      expect(await chaos.findBroken()).toEqual([]);
      expect(await isLeft('sources', 'id', sourceId)).toBe(0);
      expect(await isLeft('documents', 'source_id', sourceId)).toBe(0);
      if (what === 'project') {
        const projectId = account.project.split('/').at(-1) ?? '';
        for (const table of [
          'sources',
          'documents',
          'document_chunks',
          'embeddings',
          'lexical_segments',
          'jobs',
        ]) {
          expect([table, await isLeft(table, 'project_id', projectId)]).toEqual([table, 0]);
        }
      }
      // At its last statement a job is as good as done: the deletion waits for its row.
      const ends = stage === 'finish' ? ['cancelled', 'succeeded'] : ['cancelled'];
      const others = `jobs where payload ->> 'sourceId' = $1 and status <> all ($2::job_status[])`;
      expect(await countRows(cluster, others, [sourceId, ends])).toBe(0);
    },
  );
});

/** Attempts of indexings that came to an end, as the worker says. */
function countEnds(lines: string[]): number {
  return lines.filter((line) => line.includes('job attempt ended') && line.includes('ingest-source')).length;
}
