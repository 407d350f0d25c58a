import type { Readable } from 'node:stream';
import { newId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { addSource, storeOriginal } from './create-source.js';
import { sourceFolder } from '#features/projects/projects.jobs.js';
import type { SourceRow } from './sources.queries.js';

/** A file that is stored and waits for its source to be made. */
export interface StoredUpload {
  sourceId: string;
  fileKey: string;
  fileName: string | null;
  mediaType: string | null;
  bytes: number;
  sha256: string;
}

/** Streams an uploaded file to storage; at no time is it held in memory. */
export async function storeUpload(
  ctx: Pick<Context, 'storage'>,
  scope: ProjectScope,
  file: { body: Readable; fileName: string | null; mediaType: string | null },
): Promise<StoredUpload> {
  const sourceId = newId();
  const stored = await storeOriginal(ctx, scope, sourceId, file.body);
  return { sourceId, fileName: file.fileName, mediaType: file.mediaType, ...stored };
}

/** Makes the source of a stored file and queues its indexing. @throws AppError `usage_limit_exceeded` */
export function createFileSource(
  ctx: Pick<Context, 'db' | 'clock' | 'storage' | 'afterCommit' | 'dispatchJob'>,
  scope: ProjectScope,
  input: { upload: StoredUpload; name: string | null; metadata: Record<string, unknown> },
): Promise<SourceRow> {
  const { sourceId, ...file } = input.upload;
  const name = input.name ?? file.fileName ?? 'File';
  return addSource(ctx, scope, {
    sourceId,
    name,
    origin: { type: 'file', ...file },
    metadata: input.metadata,
  });
}

/** Deletes a stored file that no source was made of. */
export function discardUpload(
  ctx: Pick<Context, 'storage'>,
  scope: ProjectScope,
  upload: StoredUpload,
): Promise<void> {
  return ctx.storage.deleteFolder(sourceFolder(scope.projectId, upload.sourceId));
}
