/** Each selects a `line` of text for every row that is not as it should be, but for those that say otherwise. */

/** $1: ids that were accepted. */
export const LOST_MESSAGES = `
  select 'message ' || id || ' was accepted and is not there' as line
  from unnest($1::uuid[]) as accepted(id)
  where not exists (select 1 from messages where messages.id = accepted.id)`;

export const LOST_SOURCES = `
  select 'source ' || id || ' was accepted and is not there' as line
  from unnest($1::uuid[]) as accepted(id)
  where not exists (select 1 from sources where sources.id = accepted.id)`;

/** Every question has one answer right after it, whatever became of that. */
export const UNPAIRED_TURNS = `
  select 'message ' || id || ' of role ' || role || ' stands at place ' || place || ' of its conversation' as line
  from (
    select id, role, row_number() over ofConversation as place,
      lead(role) over ofConversation as next_role
    from messages window ofConversation as (partition by conversation_id order by id)
  ) as numbered
  where role <> (case place % 2 when 1 then 'user' else 'assistant' end)::message_role
    or (role = 'user' and next_role is null)`;

export const CHARGED_FAILURES = `
  select 'message ' || id || ' failed and cost ' || cost as line
  from messages where status = 'failed' and cost <> 0`;

/** A \`count\`. */
export const COUNT_MODEL_ANSWERS = `
  select count(*)::int as count from messages
  where role = 'assistant' and status = 'complete' and refusal is null and model <> 'builtin'`;

/** The chunks of what is seen of a document: from 0 on, each once, all that the document says it has. */
export const WRONG_CHUNKS = `
  select 'document ' || documents.id || ' has ' || count(document_chunks.id) || ' chunks of '
    || documents.chunk_count || ', the last at ' || coalesce(max(chunk_index), -1) as line
  from documents left join document_chunks on document_chunks.project_id = documents.project_id
    and document_chunks.document_id = documents.id and document_chunks.version = documents.live_version
  where documents.live_version > 0
  group by documents.id
  having count(document_chunks.id) <> documents.chunk_count
    or count(distinct chunk_index) <> documents.chunk_count
    or coalesce(max(chunk_index), -1) <> documents.chunk_count - 1`;

export const WRONG_COUNTS = `
  select 'source ' || sources.id || ' says ' || sources.document_count || ' documents and ' || sources.chunk_count
    || ' chunks, and has ' || count(documents.id) || ' and ' || coalesce(sum(documents.chunk_count), 0) as line
  from sources left join documents on documents.project_id = sources.project_id
    and documents.source_id = sources.id and documents.live_version > 0
  where sources.status = 'ready'
  group by sources.id
  having count(documents.id) <> sources.document_count
    or coalesce(sum(documents.chunk_count), 0) <> sources.chunk_count
    or count(documents.id) = 0`;

/** What is seen of a document is in segments of its own, or in parts of merged ones: each chunk once. */
export const WRONG_SEGMENTS = `
  select 'document ' || documents.id || ' has ' || coalesce(sum(runs.chunk_count), 0)
    || ' chunks in its lexical index of ' || documents.chunk_count as line
  from documents left join (
    select project_id, document_id, version, chunk_count from lexical_segments
    union all
    select project_id, document_id, version, chunk_count from lexical_segment_parts
  ) as runs on runs.project_id = documents.project_id and runs.document_id = documents.id
    and runs.version = documents.live_version
  where documents.live_version > 0
  group by documents.id
  having coalesce(sum(runs.chunk_count), 0) <> documents.chunk_count`;

/** $1: the dimensions of the embedding model; null: there is none. */
export const WRONG_EMBEDDINGS = `
  select 'chunk ' || document_chunks.id || ' of a ready source has '
    || coalesce('an embedding of ' || min(vector_dims(embedding)) || ' dimensions', 'no embedding') as line
  from sources
    join documents on documents.project_id = sources.project_id and documents.source_id = sources.id
    join document_chunks on document_chunks.project_id = documents.project_id
      and document_chunks.document_id = documents.id and document_chunks.version = documents.live_version
    left join embeddings on embeddings.project_id = document_chunks.project_id
      and embeddings.chunk_id = document_chunks.id
  where sources.status = 'ready' and $1::int is not null
  group by document_chunks.id
  having count(*) filter (where vector_dims(embedding) = $1::int and dimensions = $1::int) <> 1`;

/** $1: work in progress that was due, or last heard of, up to this instant. */
export const UNFINISHED_WORK = `
  select 'job ' || id || ' (' || type || ') is ' || status || ' after ' || attempts || ' attempts' as line
  from jobs where status in ('queued', 'running') and run_at <= $1
  union all
  select 'source ' || id || ' is ' || status from sources
  where status in ('queued', 'processing') and updated_at <= $1
  union all
  select 'message ' || id || ' is ' || status from messages where status = 'streaming' and updated_at <= $1`;

/** Versions of a document that nobody sees, where no job is left to remove them. */
export const ORPHAN_VERSIONS = `
  select 'document ' || documents.id || ' has ' || count(*) || ' chunks of versions that nobody sees' as line
  from documents
    join sources on sources.project_id = documents.project_id and sources.id = documents.source_id
    join document_chunks on document_chunks.project_id = documents.project_id
      and document_chunks.document_id = documents.id and document_chunks.version <> documents.live_version
  where sources.status = 'ready'
  group by documents.id`;

/** A run of a website's pages that nothing would ever end: no job of it is there and no page of it waits. */
export const STRANDED_RUNS = `
  select 'source ' || id || ' is processing, and nobody is at it' as line
  from sources
  where status = 'processing'
    and not exists (select from source_pages where source_id = sources.id and source_pages.status = 'queued')
    and not exists (
      select from jobs where payload ->> 'sourceId' = sources.id::text and jobs.status in ('queued', 'running')
    )`;

/** Pages that say they are indexed have a document that is seen, with as many chunks; of ended runs, none waits. */
export const WRONG_PAGES = `
  select 'page ' || source_pages.id || ' (' || source_pages.key || ') is ' || source_pages.status || ', with '
    || case when documents.id is null then 'no document'
       else documents.chunk_count || ' chunks, and says ' || source_pages.chunk_count end as line
  from source_pages
    join sources on sources.project_id = source_pages.project_id and sources.id = source_pages.source_id
    left join documents on documents.project_id = source_pages.project_id
      and documents.source_id = source_pages.source_id and documents.key = source_pages.key and live_version > 0
  where (source_pages.status in ('indexed', 'unchanged')
      and documents.chunk_count is distinct from source_pages.chunk_count)
    or (source_pages.status = 'queued' and sources.status in ('ready', 'failed', 'cancelled'))`;

/** Documents of a website whose run has ended: each is of a page that stands for it, and none is half made. */
export const WRONG_DOCUMENTS = `
  select 'document ' || documents.id || ' (' || documents.key || ') at version ' || live_version || ' is '
    || documents.status || ', and its page is ' || coalesce(source_pages.status::text, 'not there') as line
  from documents
    join sources on sources.project_id = documents.project_id and sources.id = documents.source_id
    left join source_pages on source_pages.project_id = documents.project_id
      and source_pages.source_id = documents.source_id and source_pages.key = documents.key
  where sources.type = 'url' and sources.status in ('ready', 'failed', 'cancelled')
    and (coalesce(source_pages.status, 'skipped') not in ('indexed', 'unchanged', 'failed')
      or documents.status = 'processing')`;

/** What a run that has ended says of its pages is what their rows say; what was gone has a row that tells why. */
export const WRONG_SYNC_COUNTS = `
  select 'source ' || id || ' says ' || last_sync || ', and its pages are ' || indexed || ' indexed, ' || unchanged
    || ' unchanged and ' || others || ' others' as line
  from (
    select sources.id, sources.last_sync,
      count(*) filter (where source_pages.status = 'indexed') as indexed,
      count(*) filter (where source_pages.status = 'unchanged') as unchanged,
      count(*) filter (where source_pages.status in ('skipped', 'failed')) as others
    from sources join source_pages on source_pages.project_id = sources.project_id
      and source_pages.source_id = sources.id and source_pages.sync = sources.sync
      and source_pages.reason is distinct from 'deleted'
    where sources.status = 'ready' and sources.origin -> 'crawl' <> 'null'
    group by sources.id
  ) as counted
  where indexed <> (last_sync ->> 'added')::int + (last_sync ->> 'changed')::int
    or unchanged <> (last_sync ->> 'unchanged')::int
    or others <> (last_sync ->> 'skipped')::int + (last_sync ->> 'failed')::int + (last_sync ->> 'gone')::int`;

/** A \`file_key\`. */
export const STORED_FILES = `
  select origin ->> 'fileKey' as file_key from sources where origin ? 'fileKey'`;
