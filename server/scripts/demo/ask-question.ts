import type { Citation } from '#db/schema/conversations.js';
import type { BotbaseClient } from '#test/botbase-client.js';
import type { Printer } from './printer.js';

/** Of the answers, and of what stands under a citation. */
const INDENT = ' '.repeat(4);
const DEEP_INDENT = ' '.repeat(8);

/**
 * Asks, prints the answer as it comes and then each citation with where it stands, and compares its quote with the
 * document.
 * @returns the number of citations, and how many of them do not hold
 */
export async function askQuestion(
  client: BotbaseClient,
  print: Printer,
  question: string,
): Promise<{ citations: number; broken: number }> {
  print.line();
  print.paragraph('Q   ', question, 'bold');
  const answer = print.typewriter('A   ');
  for await (const event of client.stream(question)) {
    if (event.name === 'delta') answer.write(event.data.text);
    if (event.name === 'error') throw new Error(`the answer failed: ${event.data.code}`);
    if (event.name !== 'done') continue;
    answer.end();
    const { citations, refusal } = event.data.message;
    if (refusal !== null) print.line(print.paint('dim', `${INDENT}(refused: ${refusal.reason})`));
    let broken = 0;
    for (const citation of citations) if (!(await printCitation(client, print, citation))) broken += 1;
    return { citations: citations.length, broken };
  }
  throw new Error('the answer has no end');
}

async function printCitation(client: BotbaseClient, print: Printer, citation: Citation): Promise<boolean> {
  const { index, sourceId, documentId, title, page, heading, quote, start, end } = citation;
  const [{ name }, { content }] = await Promise.all([
    client.findSource(sourceId),
    client.findDocument(documentId),
  ]);
  const isExact = content.slice(start, end) === quote;
  const place = page === null ? heading : `page ${page}`;
  const where = place === null || place.startsWith(title) ? (place ?? title) : `${title}, ${place}`;
  print.line();
  print.paragraph(`${INDENT}[${index}] `, `“${quote}”`, 'cyan');
  print.paragraph(DEEP_INDENT, where);
  const verdict = isExact
    ? print.paint('green', '✓ to the letter')
    : print.paint('red', '✗ NOT what stands there');
  print.line(`${DEEP_INDENT}${name}: content.slice(${start}, ${end})  ${verdict}`);
  return isExact;
}
