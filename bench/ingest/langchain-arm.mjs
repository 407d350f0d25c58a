// What somebody writes with LangChain.js in an afternoon. It is copied beside packages of its own and run there.
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PGVectorStore } from '@langchain/community/vectorstores/pgvector';
import { OpenAIEmbeddings } from '@langchain/openai';
import { RecursiveCharacterTextSplitter } from '@langchain/textsplitters';

const embeddings = new OpenAIEmbeddings({
  model: 'text-embedding-3-small',
  apiKey: 'none',
  configuration: { baseURL: process.env.OPENAI_BASE_URL },
});
const store = await PGVectorStore.initialize(embeddings, {
  postgresConnectionOptions: { connectionString: process.env.DATABASE_URL },
  tableName: 'chunks',
  dimensions: 1536,
});
const splitter = new RecursiveCharacterTextSplitter({ chunkSize: 1_000, chunkOverlap: 200 });

process.on('disconnect', () => process.exit());
process.on('message', ({ directory }) => void ingest(directory).then((chunks) => process.send({ chunks })));
process.send('ready');

async function ingest(directory) {
  const names = await readdir(directory);
  const texts = await Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')));
  const documents = await splitter.createDocuments(
    texts,
    names.map((source) => ({ source })),
  );
  await store.addDocuments(documents);
  return documents.length;
}
