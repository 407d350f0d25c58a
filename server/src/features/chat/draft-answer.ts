import type { Citation } from '#db/schema/conversations.js';
import { NO_ANSWER } from '#rag/build-prompt.js';
import type { ContextPassage } from '#rag/build-rag-context.js';
import { createCitationChecker } from '#rag/citations.js';
import type { Passage } from '#features/retrieval/retrieve-passages.js';

export interface AnswerDraft {
  /** Takes what the model wrote, returns what may be shown now. */
  push(delta: string): string;
  /** Releases what was held back. @param isComplete false: an unfinished sentinel is dropped too */
  end(isComplete: boolean): string;
  /** Everything that was released. */
  content(): string;
  citations(): Citation[];
}

/**
 * An answer as it grows: markers are checked, and the sentinel by which a model says that the sources hold no answer
 * never gets out, not even its beginning.
 */
export function draftAnswer(passages: readonly ContextPassage<Passage>[], language: string): AnswerDraft {
  const checker = createCitationChecker(passages, language);
  let content = '';
  let held = '';
  let isSentinelPossible = true;

  const release = (text: string): string => {
    const shown = content === '' ? text.trimStart() : text;
    content += shown;
    return shown;
  };

  return {
    push: (delta) => {
      if (!isSentinelPossible) return release(checker.push(delta).text);
      held += delta;
      const start = held.trimStart();
      if (NO_ANSWER.startsWith(start) || start.startsWith(NO_ANSWER)) return '';
      isSentinelPossible = false;
      return release(checker.push(held).text);
    },
    end: (isComplete) => {
      const start = held.trimStart();
      const isSentinel = isSentinelPossible && (start.startsWith(NO_ANSWER) || !isComplete);
      if (isSentinelPossible && !isSentinel) release(checker.push(held).text);
      const before = content.length;
      const rest = isSentinel ? '' : release(checker.end().text);
      return isSentinelPossible ? content.slice(0, before) + rest : rest;
    },
    content: () => content,
    citations: () => checker.citations().map((citation) => toCitation(citation, passages)),
  };
}

function toCitation(
  checked: { index: number; passageNumber: number; start: number; end: number },
  passages: readonly ContextPassage<Passage>[],
): Citation {
  const passage = passages.find(({ number }) => number === checked.passageNumber);
  if (passage === undefined) throw new Error('a citation of a passage that was not in the prompt');
  return {
    index: checked.index,
    sourceId: passage.sourceId,
    documentId: passage.documentId,
    chunkId: passage.chunkId,
    title: passage.title,
    url: passage.url,
    page: passage.page,
    heading: passage.heading,
    quote: passage.text.slice(checked.start, checked.end),
    start: passage.start + checked.start,
    end: passage.start + checked.end,
  };
}
