import { describe, expect, it } from 'vitest';

import { corpusOrNull, readTarball } from '#test/read-corpus.js';

import {
  type DomDocument,
  type DomNode,
  forEachChild,
  isElement,
  isInline,
  isText,
  parseHtml,
} from './dom.js';
import { extractPage } from './extract-page.js';

const ARCHIVE = corpusOrNull('html-readability/html-readability.tar.gz');
const WORST_SHOWN = 10;
const NO_TEXT = new Set(['script', 'style', 'noscript', 'template', 'svg', 'iframe']);

/** Mozilla's pages for Readability: what a person made of each is the measure. */
describe.skipIf(ARCHIVE === null)('the main content of news and articles', () => {
  it('is found, word for word, on nearly all pages', { timeout: 120_000 }, async () => {
    const files = readTarball(ARCHIVE!);
    const scores: { page: string; score: number }[] = [];
    for (const [name, source] of files) {
      const page = /([^/]+)\/source\.html$/.exec(name)?.[1];
      const expected = files.get(name.replace('source.html', 'expected.html'));
      if (page === undefined || expected === undefined) continue;
      const { text } = await extractPage(
        source,
        { fileName: null, mediaType: 'text/html' },
        { url: 'https://example.com/', boilerplate: [] },
      );
      const words = wordsOf(textOf(parseHtml(expected.toString('utf8'))));
      scores.push({ page, score: overlapOf(wordsOf(text.content), words) });
    }
    scores.sort((one, other) => one.score - other.score);
    const median = scores[Math.floor(scores.length / 2)]!.score;
    const mean = scores.reduce((sum, { score }) => sum + score, 0) / scores.length;
    const worst = scores.slice(0, WORST_SHOWN).map(({ page, score }) => `${page} ${score.toFixed(3)}`);
    process.stdout.write(
      `token F1 of ${scores.length} pages: median ${median.toFixed(4)}, mean ${mean.toFixed(4)}; worst: ${worst.join(', ')}\n`,
    );
    expect(scores.length).toBeGreaterThan(60);
    expect(median).toBeGreaterThanOrEqual(0.99);
    expect(mean).toBeGreaterThanOrEqual(0.97);
  });
});

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

/** F1 of two bags of words. */
function overlapOf(found: readonly string[], expected: readonly string[]): number {
  const left = new Map<string, number>();
  for (const word of expected) left.set(word, (left.get(word) ?? 0) + 1);
  let hits = 0;
  for (const word of found) {
    const count = left.get(word) ?? 0;
    if (count === 0) continue;
    hits += 1;
    left.set(word, count - 1);
  }
  return found.length + expected.length === 0 ? 1 : (2 * hits) / (found.length + expected.length);
}

function textOf(document: DomDocument): string {
  const parts: string[] = [];
  const collect = (node: DomNode): void => {
    if (isText(node)) parts.push(node.textContent ?? '');
    else if (!isElement(node) || !NO_TEXT.has(node.localName)) {
      const separator = isElement(node) && isInline(node) ? '' : ' ';
      parts.push(separator);
      forEachChild(node, collect);
      parts.push(separator);
    }
  };
  collect(document);
  return parts.join('');
}
