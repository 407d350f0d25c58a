/** A chunk that was found for a question. `text === document.content.slice(start, start + text.length)`. */
export interface RetrievedPassage {
  chunkId: string;
  documentId: string;
  title: string;
  /** The headings above the passage, as one line. */
  heading: string | null;
  text: string;
  /** Relevance to the question, 0 to about 1. */
  score: number;
  /** Offset in the document's content, in UTF-16 units. */
  start: number;
}

/** What a model is shown: `number` is what its markers `[number]` refer to. */
export interface PromptPassage {
  number: number;
  title: string;
  heading: string | null;
  text: string;
  score: number;
}
