import { isId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import type { FileStorage } from '#platform/ports/file-storage.js';
import { sourceFolder } from '#features/projects/projects.jobs.js';
import { listExistingSources } from './sources.queries.js';

/** An upload writes its file before its row: until it is this old, a file may yet get one. */
const ORPHAN_AGE_MS = 24 * 60 * 60_000;
const FOLDERS_PER_QUERY = 200;
/** As many without a single living one among them are not what killed processes leave. */
const SUSPICIOUS_FOLDERS = 10;
const ROOT = 'projects/';
/** Every folder that something is written to, the health probe's too. */
const WRITTEN_ROOTS = [ROOT, 'health/'];
const SOURCE_FILE_PATTERN = /^projects\/([0-9a-f-]{36})\/sources\/([0-9a-f-]{36})\//;

interface SourceFolder {
  /** As `sourceFolder` makes it. */
  folder: string;
  sourceId: string;
  fileCount: number;
  newestAt: Date;
}

/**
 * Deletes stored files whose source has no row, and what writes that never ended left, once they are a day old:
 * traces of processes that were killed. It may run at any time, also twice at once.
 * @throws Error when the files seem to be another database's
 * @returns how many files and rests were deleted
 */
export async function sweepOrphanedFiles(
  ctx: Pick<Context, 'db' | 'clock' | 'storage'>,
  signal: AbortSignal,
): Promise<number> {
  const oldBefore = new Date(ctx.clock.now().getTime() - ORPHAN_AGE_MS);
  if (await isAnotherDatabases(ctx, oldBefore)) {
    throw new Error(
      'no stored file belongs to this database: is it empty, or another one? Nothing was deleted.',
    );
  }
  let deletedCount = 0;
  for await (const group of inGroups(sourceFolders(ctx.storage), FOLDERS_PER_QUERY)) {
    signal.throwIfAborted();
    const old = group.filter(({ newestAt }) => newestAt < oldBefore);
    for (const { folder, fileCount } of await withoutRow(ctx, old)) {
      signal.throwIfAborted();
      await ctx.storage.deleteFolder(folder);
      deletedCount += fileCount;
    }
  }
  for (const root of WRITTEN_ROOTS) {
    signal.throwIfAborted();
    deletedCount += await ctx.storage.deleteUnfinished(root, oldBefore);
  }
  return deletedCount;
}

/** Whether there are files, and not one of a source that this database knows. */
async function isAnotherDatabases(ctx: Pick<Context, 'db' | 'storage'>, oldBefore: Date): Promise<boolean> {
  let count = 0;
  for await (const group of inGroups(sourceFolders(ctx.storage), FOLDERS_PER_QUERY)) {
    const old = group.filter(({ newestAt }) => newestAt < oldBefore);
    if ((await withoutRow(ctx, old)).length < old.length) return false;
    count += old.length;
  }
  return count >= SUSPICIOUS_FOLDERS;
}

async function withoutRow(ctx: Pick<Context, 'db'>, folders: SourceFolder[]): Promise<SourceFolder[]> {
  const existing = await listExistingSources(
    ctx.db,
    folders.map(({ sourceId }) => sourceId),
  );
  const living = new Set(existing.map(({ projectId, sourceId }) => sourceFolder(projectId, sourceId)));
  return folders.filter(({ folder }) => !living.has(folder));
}

/** The folders of sources, with what is in them: the files of one folder are listed in a row. */
async function* sourceFolders(storage: FileStorage): AsyncGenerator<SourceFolder> {
  let current: SourceFolder | undefined;
  for await (const { key, modifiedAt } of storage.list(ROOT)) {
    const [, projectId = '', sourceId = ''] = SOURCE_FILE_PATTERN.exec(key) ?? [];
    if (!isId(projectId) || !isId(sourceId)) continue;
    const folder = sourceFolder(projectId, sourceId);
    if (current?.folder === folder) {
      current.fileCount += 1;
      if (modifiedAt > current.newestAt) current.newestAt = modifiedAt;
      continue;
    }
    if (current !== undefined) yield current;
    current = { folder, sourceId, fileCount: 1, newestAt: modifiedAt };
  }
  if (current !== undefined) yield current;
}

async function* inGroups<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let group: T[] = [];
  for await (const item of items) {
    group.push(item);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}
