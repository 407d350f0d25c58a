import { createCitationChecker } from '../../server/dist/rag/citations.js';
import { createLinkPolicy } from '../../server/dist/rag/link-policy.js';
import { lieAbout } from './lying-model.mjs';
import { randomOf } from './random.mjs';

const ANSWERS = 10_000;
const CUTS = 3;

/** Answers of a model that lies: quotes, markers and links must hold, and not depend on how the stream was cut. */
export function measureLies(collections) {
  const random = randomOf(20_251);
  const pick = (list) => list[Math.floor(random() * list.length)];
  const faults = { quote: 0, marker: 0, cut: 0, link: 0, sentence: 0 };
  let citationCount = 0;
  let markersWritten = 0;
  const policy = createLinkPolicy({
    ownHosts: ['shop.example'],
    urls: ['https://docs.example/a'],
    texts: [],
  });
  for (let round = 0; round < ANSWERS; round += 1) {
    const { passages, language } = pick(collections);
    const shown = Array.from({ length: 1 + Math.floor(random() * 5) }, (_, index) => ({
      number: index + 1,
      text: pick(passages).text,
    }));
    const answer = lieAbout(shown, random);
    markersWritten += answer.match(/\[\d+\]/gu)?.length ?? 0;
    const unsupported = pick(['keep', 'hedge', 'strip']);
    const run = (deltas) => {
      const checker = createCitationChecker(shown, language, { links: policy, unsupported });
      const text = deltas.map((piece) => checker.push(piece).text).join('') + checker.end().text;
      return { text, citations: checker.citations(), sentences: checker.sentences() };
    };
    const whole = run([answer]);
    citationCount += whole.citations.length;
    for (let cut = 0; cut < CUTS; cut += 1) {
      const other = run(cut === 0 ? answer.split('') : cutUp(answer, random));
      if (JSON.stringify(other) !== JSON.stringify(whole)) faults.cut += 1;
    }
    for (const { passageNumber, start, end } of whole.citations) {
      const { text } = shown[passageNumber - 1];
      if (start < 0 || end > text.length || text.slice(start, end).trim() === '') faults.quote += 1;
    }
    const prose = withoutCode(whole.text);
    const standing = new Set(
      Array.from(prose.matchAll(/[[【]\s*\^?(\p{Nd}+)\s*[\]】]/gu), ([, digits]) => Number(digits)),
    );
    const known = new Set(whole.citations.map(({ index }) => index));
    if (standing.size !== known.size || [...standing].some((index) => !known.has(index))) faults.marker += 1;
    if (
      /(?<![a-z\d])www\.evil\.|\/evil\.example|<(?:img|script|iframe|a)\b|\]\(\s*(?:javascript|data):/iu.test(
        prose,
      )
    )
      faults.link += 1;
    if (whole.sentences.some(({ start, end }) => start < 0 || end > whole.text.length || start >= end))
      faults.sentence += 1;
  }
  process.stdout.write(
    `${ANSWERS} answers of a model that lies, ${markersWritten} plain markers written, ${citationCount} citations: ` +
      `${faults.quote} wrong quotes, ${faults.marker} answers with other markers than citations, ` +
      `${faults.link} with a refused link, ${faults.sentence} with a sentence out of bounds, ` +
      `${faults.cut} of ${ANSWERS * CUTS} cuts with another result\n`,
  );
}

/** As Markdown has it: fences, then spans on one line. */
export function withoutCode(text) {
  return text
    .replaceAll(
      /^(`{3,}(?=[^`\n]*\n)|~{3,}(?=[^\n]*\n))[^\n]*\n(?:[\s\S]*?^ {0,3}\1[`~]*[^\S\n]*$|[\s\S]*)/gmu,
      '',
    )
    .replaceAll(/(?<![`\\])(`+)(?!`)[^\n|]*?[^`\n|]\1(?!`)/gu, '');
}

function cutUp(text, random) {
  const result = [];
  for (let start = 0; start < text.length;) {
    const length = 1 + Math.floor(random() * 12);
    result.push(text.slice(start, start + length));
    start += length;
  }
  return result;
}
