import { readFile, readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';

const FOLDER = new URL('../../migrations/', import.meta.url);
/** What an older version that still runs would fail at, or wait behind. */
const NOT_EXPANDING = [
  /\bdrop\s+(table|column|type|constraint|default)\b/i,
  /\brename\b/i,
  /\bset\s+not\s+null\b/i,
  /\bset\s+data\s+type\b|\balter\s+column\s+\S+\s+type\b/i,
  /^\s*truncate\b|\bdelete\s+from\b|^\s*update\s/im,
  /\badd\s+column\b(?=.*\bnot\s+null\b)(?!.*\bdefault\b)/i,
];

/** Why a migration may not run beside the version before it; a release may mark one as `-- contract`. */
function faultsOf(migration: string): string[] {
  if (migration.startsWith('-- contract')) return [];
  const statements = migration
    .split('--> statement-breakpoint')
    .map((statement) => statement.replace(/^--.*$/gm, '').trim());
  const created = new Set(
    statements.flatMap((statement) => /^create table "(\w+)"/i.exec(statement)?.[1] ?? []),
  );
  return statements.filter((statement) => {
    const indexed = /^create (?:unique )?index .* on "(\w+)"/i.exec(statement)?.[1];
    if (indexed !== undefined) return !created.has(indexed);
    const altered = /^alter table "(\w+)"/i.exec(statement)?.[1];
    if (altered !== undefined && created.has(altered)) return false;
    if (/^alter table .* add constraint/i.test(statement)) return !/not valid;?$/i.test(statement);
    return NOT_EXPANDING.some((pattern) => pattern.test(statement));
  });
}

describe('migrations', async () => {
  const files = (await readdir(FOLDER)).filter((name) => name.endsWith('.sql'));

  it.each(files)('%s runs beside the version before it', async (file) => {
    expect(faultsOf(await readFile(new URL(file, FOLDER), 'utf8'))).toEqual([]);
  });

  it.each([
    'ALTER TABLE "jobs" DROP COLUMN "rung_at";',
    'DROP TABLE "jobs";',
    'ALTER TABLE "jobs" RENAME COLUMN "a" TO "b";',
    'ALTER TABLE "jobs" ADD COLUMN "a" text NOT NULL;',
    'ALTER TABLE "jobs" ALTER COLUMN "a" SET NOT NULL;',
    'ALTER TABLE "jobs" ALTER COLUMN "a" SET DATA TYPE bigint;',
    'ALTER TABLE "jobs" ADD CONSTRAINT "c" FOREIGN KEY ("a") REFERENCES "b"("id");',
    'CREATE INDEX "i" ON "jobs" USING btree ("a");',
    'UPDATE jobs SET a = 1;',
    'TRUNCATE jobs;',
  ])('would be refused: %s', (statement) => {
    expect(faultsOf(statement)).toEqual([statement]);
  });

  it.each([
    'ALTER TABLE "jobs" ADD COLUMN "a" text;',
    'ALTER TABLE "jobs" ALTER COLUMN "a" DROP NOT NULL;',
    `ALTER TABLE "jobs" ADD COLUMN "a" text DEFAULT 'b' NOT NULL;`,
    'ALTER TABLE "jobs" ADD CONSTRAINT "c" CHECK (a > 0) NOT VALID;',
    'CREATE TABLE "t" ("id" uuid);--> statement-breakpoint\nCREATE INDEX "i" ON "t" USING btree ("id");',
    'CREATE TRIGGER "g" BEFORE UPDATE OR TRUNCATE ON "jobs" FOR EACH STATEMENT EXECUTE FUNCTION "f"();',
    '-- contract\nALTER TABLE "jobs" DROP COLUMN "rung_at";',
  ])('would be accepted: %s', (statement) => {
    expect(faultsOf(statement)).toEqual([]);
  });
});
