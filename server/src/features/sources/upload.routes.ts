import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { AppError } from '#kernel/app-error.js';
import type { Context } from '#platform/context.js';
import { parseJson } from '#platform/http/json-body.js';
import { isStorableText, metadataSchema, nameSchema } from '#platform/http/schemas.js';
import type { ProjectScope } from '#platform/scope.js';
import { type StoredUpload, discardUpload, storeUpload } from './upload-source.js';

const fieldsSchema = z.strictObject({
  type: z.literal('file').optional(),
  name: nameSchema.optional(),
  metadata: z
    .string()
    .transform((json, issues) => {
      try {
        return parseJson(Buffer.from(json));
      } catch {
        issues.addIssue({ code: 'custom', message: 'must be a JSON object' });
        return z.NEVER;
      }
    })
    .pipe(metadataSchema)
    .optional(),
});

export interface Upload {
  upload: StoredUpload;
  name: string | null;
  metadata: Record<string, unknown>;
}

const MAX_FILE_NAME_LENGTH = 300;
const MAX_BOUNDARY_LENGTH = 70;
const MIB = 1024 * 1024;

/**
 * Reads a `multipart/form-data` body: one part `file`, and fields `name` and `metadata`. The file goes to storage
 * as it arrives; what is refused leaves nothing behind.
 * @throws AppError `payload_too_large`, `validation_failed`, `malformed`
 */
export async function readUpload(
  ctx: Pick<Context, 'storage' | 'config'>,
  scope: ProjectScope,
  request: FastifyRequest,
): Promise<Upload> {
  refuseLongBoundary(request);
  const fields: Record<string, unknown> = {};
  let upload: StoredUpload | null = null;
  try {
    for await (const part of request.parts()) {
      if (part.type === 'field') {
        if (Object.hasOwn(fields, part.fieldname)) throw invalid(part.fieldname, 'must be sent once');
        fields[part.fieldname] = part.value;
        continue;
      }
      if (part.fieldname !== 'file')
        throw invalid(part.fieldname, 'is not a known field: send the file as `file`');
      if (upload !== null) throw invalid('file', 'must be one file: send each file in a request of its own');
      const fileName = fileNameOf(part.filename);
      const mediaType = part.mimetype.slice(0, MAX_FILE_NAME_LENGTH);
      upload = await storeUpload(ctx, scope, { body: part.file, fileName, mediaType });
      if (part.file.truncated) throw tooLarge(ctx);
    }
    if (upload === null) throw invalid('file', 'is missing: send a part named `file`');
    const { name, metadata } = parseFields(fields);
    return { upload, name: name ?? null, metadata: metadata ?? {} };
  } catch (error) {
    if (upload !== null) await discardUpload(ctx, scope, upload);
    throw asAppError(ctx, error);
  }
}

/** RFC 2046 allows 70 characters; the parser cannot take much more. */
function refuseLongBoundary(request: FastifyRequest): void {
  const boundary = /boundary="?([^";]*)/i.exec(request.headers['content-type'] ?? '')?.[1] ?? '';
  if (boundary.length > MAX_BOUNDARY_LENGTH)
    throw new AppError('malformed', 'The multipart boundary is too long.');
}

function parseFields(fields: Record<string, unknown>): z.infer<typeof fieldsSchema> {
  const parsed = fieldsSchema.safeParse(fields);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw invalid(issue?.path.join('.') ?? '', issue?.message ?? 'is invalid');
}

/** The name as a person will read it: without folders and control characters. It never becomes a path. */
function fileNameOf(name: string | undefined): string | null {
  const last = name?.split(/[/\\]/).at(-1) ?? '';
  const clean = last
    .replace(/[\u0000-\u001f\u007f\u202a-\u202e\u2066-\u2069]/g, '')
    .slice(0, MAX_FILE_NAME_LENGTH);
  return clean.trim() === '' || !isStorableText(clean) ? null : clean.trim();
}

function asAppError(ctx: Pick<Context, 'config'>, error: unknown): unknown {
  if (error instanceof AppError || !(error instanceof Error)) return error;
  const code = 'code' in error ? String(error.code) : '';
  if (code === 'FST_REQ_FILE_TOO_LARGE') return tooLarge(ctx);
  if (code.startsWith('FST_') && 'statusCode' in error) return error;
  const isBrokenBody = /multipart|boundary|Unexpected end|premature|aborted|header|Part terminated/i.test(
    error.message,
  );
  if (isBrokenBody) return new AppError('malformed', 'The multipart body is malformed.', { cause: error });
  return error;
}

function tooLarge(ctx: Pick<Context, 'config'>): AppError {
  const bytes = ctx.config.maxUploadBytes;
  const limit = bytes % MIB === 0 ? `${bytes / MIB} MiB` : `${bytes} bytes`;
  return new AppError('payload_too_large', `A file can have ${limit} at most.`);
}

function invalid(path: string, message: string): AppError {
  return new AppError('validation_failed', `The request is not valid. ${path}: ${message}`, {
    errors: [{ path, message }],
  });
}
