// Tenants with vectors of their own in the product's own tables, and questions near to those.
import { createRandom } from '../ingest/corpus.mjs';

export const MODEL = { model: 'bench-embedding', dimensions: 1536 };
/** Chunks that a topic has on average: the nearest of a question are those of its topic, the next of its theme. */
const CHUNKS_PER_TOPIC = 40;
const TOPICS_PER_THEME = 25;
/** How far a topic is from the middle of its theme, and a chunk from that of its topics. */
const TOPIC_SPREAD = 0.9;
const CHUNK_SPREAD = 0.9;
/** Rows of one statement, as many as the product writes at once. */
const ROWS_PER_STATEMENT = 100;
const CHUNKS_PER_DOCUMENT = 10;
/** Of every tenth document; the others are in English. */
export const RARE_LANGUAGE = 'de';
const OTHER_LANGUAGE = 'en';

/** A standard normal number (Box and Muller). */
function normal(random) {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

function unit(vector) {
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

const direction = (random) => unit(Float32Array.from({ length: MODEL.dimensions }, () => normal(random)));

/** Directions that a tenant's texts are about: a text is of one topic, and touches two more. */
function createTopics(random, chunkCount) {
  const count = Math.max(5, Math.ceil(chunkCount / CHUNKS_PER_TOPIC));
  const themes = Array.from({ length: Math.ceil(count / TOPICS_PER_THEME) }, () => direction(random));
  const topics = Array.from({ length: count }, (_, at) =>
    unit(blend([themes[at % themes.length], 1], [direction(random), TOPIC_SPREAD])),
  );
  // A table of numbers, so that a vector costs no cosines of its own.
  const noise = Float32Array.from({ length: 1 << 18 }, () => normal(random));
  const scale = CHUNK_SPREAD / Math.sqrt(MODEL.dimensions);
  const pick = () => topics[Math.floor(random() * topics.length)];
  return {
    draw: () => {
      const start = Math.floor(random() * (noise.length - MODEL.dimensions));
      const own = noise.subarray(start, start + MODEL.dimensions);
      return unit(blend([pick(), 1], [pick(), random() * 0.6], [pick(), random() * 0.4], [own, scale]));
    },
  };
}

function blend(...parts) {
  const sum = new Float32Array(MODEL.dimensions);
  for (const [vector, weight] of parts) {
    for (let at = 0; at < sum.length; at += 1) sum[at] += weight * vector[at];
  }
  return sum;
}

/** Makes a tenant with so many chunks. @returns its scope, and questions about what it has */
export async function addTenant({ db, product, seed, chunkCount, questionCount }) {
  const random = createRandom(seed);
  const topics = createTopics(random, chunkCount);
  const projectId = await insertProject();
  await insertChunks();
  const { rows } = await db.execute(
    product.sql`select id from document_chunks where project_id = ${projectId} order by document_id, chunk_index`,
  );
  for (let start = 0; start < rows.length; start += ROWS_PER_STATEMENT) {
    await product.insertEmbeddings(
      db,
      rows.slice(start, start + ROWS_PER_STATEMENT).map(({ id: chunkId }) => ({
        id: product.newId(),
        projectId,
        chunkId,
        ...MODEL,
        embedding: topics.draw(),
      })),
    );
  }
  const scope = product.mintProjectScope(product.systemCaller, projectId, null);
  return { chunkCount, scope, questions: Array.from({ length: questionCount }, () => topics.draw()) };

  async function insertProject() {
    const [ownerId, id, sourceId] = [0, 1, 2].map(() => product.newId());
    const { sql } = product;
    await db.execute(sql`insert into users (id, email, name, password_hash)
      values (${ownerId}, ${`${ownerId}@example.com`}, 'Bench', '-')`);
    await db.execute(sql`insert into projects (id, owner_id, name, fallback_message, embedding_model)
      values (${id}, ${ownerId}, 'Bench', '-', ${`${MODEL.model}:${MODEL.dimensions}`})`);
    await db.execute(sql`insert into sources (id, project_id, type, name, origin, progress, status)
      values (${sourceId}, ${id}, 'text', 'Bench', '{}', '{}', 'ready')`);
    await db.execute(sql`insert into documents (id, project_id, source_id, key, title, language, status,
        live_version, chunk_count)
      select gen_random_uuid(), ${id}, ${sourceId}, number::text, 'Guide ' || number,
        case when number % 10 = 1 then ${RARE_LANGUAGE} else ${OTHER_LANGUAGE} end, 'ready', 1, ${CHUNKS_PER_DOCUMENT}::int
      from generate_series(1, ${Math.ceil(chunkCount / CHUNKS_PER_DOCUMENT)}::int) number`);
    await db.execute(sql`insert into lexical_segments (id, project_id, analyzer_version, language, chunk_count, length_sum,
        chunk_ids, lengths)
      values (${product.newId()}, ${id}, 1, 'en', ${chunkCount}, ${chunkCount}, '', '')`);
    return id;
  }

  async function insertChunks() {
    const text = 'A text as long as chunks are. '.repeat(30);
    await db.execute(product.sql`
      insert into document_chunks (id, project_id, document_id, version, chunk_index, content, start_offset, end_offset,
        token_count, content_hash)
      select gen_random_uuid(), project_id, id, 1, number, ${text}, 0, 900, 225, id::text || number
      from documents, generate_series(1, ${CHUNKS_PER_DOCUMENT}::int) number
      where project_id = ${projectId}
      order by key::int, number
      limit ${chunkCount}`);
  }
}
