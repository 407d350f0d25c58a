import { type SQL, and, eq, inArray, sql } from 'drizzle-orm';
import { documents } from '#db/schema/documents.js';
import { sources } from '#db/schema/sources.js';

/** Which documents a search may find; what is not named is not asked for. */
export interface SearchFilter {
  /** None: nothing is found. */
  sourceIds?: string[] | undefined;
  /** Of the documents: ISO 639-1, or `und`. */
  languages?: string[] | undefined;
  /** What the metadata of the document, over those of its source, must contain. */
  metadata?: Record<string, unknown> | undefined;
}

/** The conditions of a filter on `documents`, for a statement that has that table in it; undefined: all match. */
export function matchesFilter(filter: SearchFilter | undefined): SQL | undefined {
  if (filter === undefined) return undefined;
  const { sourceIds, languages, metadata } = filter;
  return and(
    sourceIds === undefined ? undefined : inArray(documents.sourceId, sourceIds),
    languages === undefined ? undefined : inArray(documents.language, languages),
    metadata === undefined ? undefined : containsMetadata(metadata),
  );
}

function containsMetadata(metadata: Record<string, unknown>): SQL {
  const ofSource = sql`select ${sources.metadata} from ${sources}
    where ${and(eq(sources.projectId, documents.projectId), eq(sources.id, documents.sourceId))}`;
  return sql`(${ofSource}) || ${documents.metadata} @> ${JSON.stringify(metadata)}::jsonb`;
}
