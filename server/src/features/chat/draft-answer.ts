import type { AnswerSentence, Citation } from '#db/schema/conversations.js';
import type { AnswerOptions } from '#db/schema/projects.js';
import { NO_ANSWER } from '#rag/build-prompt.js';
import type { ContextPassage } from '#rag/build-rag-context.js';
import { createCitationChecker } from '#rag/citations.js';
import { createLinkPolicy } from '#rag/link-policy.js';
import { deepLinkOf } from '#rag/text-fragment.js';
import type { Passage } from '#features/retrieval/retrieve-passages.js';

export interface AnswerDraft {
  /** Takes what the model wrote, returns what may be shown now. */
  push(delta: string): string;
  /** Releases what was held back. @param isComplete false: an unfinished sentinel is dropped too */
  end(isComplete: boolean): string;
  /** Everything that was released. */
  content(): string;
  citations(): Citation[];
  /** The sentences of what was released, each with how far a quote was found for it. */
  sentences(): AnswerSentence[];
}

/** What an answer may do beside quoting. */
export interface DraftRules {
  unsupported: AnswerOptions['unsupported'];
  /** Hosts of the project's own, to which links and images may point. */
  ownHosts: readonly string[];
  /** What the owner wrote for the model; its links are the owner's. */
  systemPrompt: string | null;
}

/**
 * An answer as it grows: markers are checked, and the sentinel by which a model says that the sources hold no answer
 * never gets out, not even its beginning. Links and images lead to the sources and the project's own hosts only.
 */
export function draftAnswer(
  passages: readonly ContextPassage<Passage>[],
  language: string,
  { unsupported, ownHosts, systemPrompt }: DraftRules,
): AnswerDraft {
  const links = createLinkPolicy({
    ownHosts,
    urls: passages.map(({ url }) => url),
    texts: [...passages.map(({ text }) => text), systemPrompt ?? ''],
  });
  const checker = createCitationChecker(passages, language, { links, unsupported });
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
    sentences: () => checker.sentences(),
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
    deepLink: deepLinkOf(passage.url, passage.text, checked),
    page: passage.page,
    heading: passage.heading,
    quote: passage.text.slice(checked.start, checked.end),
    start: passage.start + checked.start,
    end: passage.start + checked.end,
  };
}
