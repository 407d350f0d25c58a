import { count, desc, gt, gte, sql } from 'drizzle-orm';
import { conversations, messages } from '#db/schema/conversations.js';
import { jobs } from '#db/schema/jobs.js';
import { processes } from '#db/schema/processes.js';
import { projects } from '#db/schema/projects.js';
import { sources } from '#db/schema/sources.js';
import { users } from '#db/schema/users.js';
import { firstIdAt } from '#kernel/ids.js';
import type { Database } from '#platform/database.js';

const one = count();

export async function countUsers(db: Database, newSince: Date) {
  const [row] = await db
    .select({
      total: one,
      verified: sql<number>`count(${users.emailVerifiedAt})::int`,
      suspended: sql<number>`count(${users.suspendedAt})::int`,
      newIn30Days: sql<number>`count(*) filter (where ${gte(users.createdAt, newSince)})::int`,
    })
    .from(users);
  return row ?? { total: 0, verified: 0, suspended: 0, newIn30Days: 0 };
}

export async function countProjects(db: Database) {
  const [row] = await db
    .select({ total: one, public: sql<number>`count(*) filter (where ${projects.isPublic})::int` })
    .from(projects);
  return row ?? { total: 0, public: 0 };
}

/** Sources by status, with what they say they hold: documents and chunks are too many to be counted anew. */
export function countSources(db: Database) {
  return db
    .select({
      status: sources.status,
      sources: one,
      documents: sql<number>`coalesce(sum(${sources.documentCount}), 0)::float8`,
      chunks: sql<number>`coalesce(sum(${sources.chunkCount}), 0)::float8`,
    })
    .from(sources)
    .groupBy(sources.status);
}

/** By the range of their ids, which is all that an index of them knows of time. */
export async function countTalk(db: Database, since: Date) {
  const firstId = firstIdAt(since);
  return {
    conversations: await db.$count(conversations, gte(conversations.id, firstId)),
    messages: await db.$count(messages, gte(messages.id, firstId)),
  };
}

export function countJobsByStatus(db: Database) {
  return db.select({ status: jobs.status, jobs: one }).from(jobs).groupBy(jobs.status);
}

export async function findDatabaseBytes(db: Database): Promise<number> {
  const { rows } = await db.execute<{ bytes: number }>(
    sql`select pg_database_size(current_database())::float8 as bytes`,
  );
  return rows[0]?.bytes ?? 0;
}

export function countEmbeddingModels(db: Database) {
  return db
    .select({ model: projects.embeddingModel, projects: one })
    .from(projects)
    .groupBy(projects.embeddingModel)
    .orderBy(desc(one), projects.embeddingModel);
}

/** Processes whose last sign of life still counts. */
export function listLivingProcesses(db: Database) {
  const { id, role, host, version, createdAt } = processes;
  return db
    .select({ id, role, host, version, createdAt })
    .from(processes)
    .where(gt(processes.aliveUntil, sql`now()`))
    .orderBy(id);
}
