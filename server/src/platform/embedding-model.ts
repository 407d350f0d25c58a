/** A model and the size of its vectors, as one word: two of them never share a vector. */
export function embeddingModelKey(model: { model: string; dimensions: number }): string {
  return `${model.model}:${model.dimensions}`;
}

/** What `embeddingModelKey` made; a name may hold colons of its own. */
export function parseEmbeddingModel(key: string | null): { model: string; dimensions: number } | null {
  const [, model, dimensions] = /^(.+):(\d+)$/s.exec(key ?? '') ?? [];
  return model === undefined ? null : { model, dimensions: Number(dimensions) };
}
