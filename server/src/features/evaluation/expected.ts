/** What a case expects of an answer. */
export interface Expected {
  expectation: 'answer' | 'refuse';
  expectedSourceId: string | null;
  expectedText: string | null;
}

/** Whether a case says what is to be found. */
export function isAnyExpected({ expectation, expectedSourceId, expectedText }: Expected): boolean {
  return expectation === 'answer' && (expectedSourceId !== null || expectedText !== null);
}

/** Whether a passage is of the expected source and holds the expected text, as far as each is said. */
export function holdsExpected(expected: Expected, passage: { sourceId: string; text: string }): boolean {
  return isOf(expected, passage, (text) => comparable(passage.text).includes(text));
}

/** The same of a citation: its quote holds the expected text, or is a piece of it. */
export function quotesExpected(expected: Expected, citation: { sourceId: string; quote: string }): boolean {
  const quote = comparable(citation.quote);
  return isOf(expected, citation, (text) => quote.includes(text) || (quote !== '' && text.includes(quote)));
}

function isOf(
  expected: Expected,
  { sourceId }: { sourceId: string },
  hasText: (text: string) => boolean,
): boolean {
  if (!isAnyExpected(expected)) return false;
  if (expected.expectedSourceId !== null && expected.expectedSourceId !== sourceId) return false;
  return expected.expectedText === null || hasText(comparable(expected.expectedText));
}

/** Case, white space and forms of one character are no difference. */
function comparable(text: string): string {
  return text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim();
}
