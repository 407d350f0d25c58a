/** Scripts written without spaces between words, whose words are found in other ways than by the spaces. */
type UnspacedScript = 'cjk' | 'southEastAsian';

const UNSPACED =
  /[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\u{20000}-\u{3ffff}]/u;
const RUNS =
  /(?<cjk>[\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\u{20000}-\u{3ffff}]+)|(?<southEastAsian>[\u0e00-\u0e4f\u0e5a-\u0ecf\u1000-\u103f\u1050-\u109f\u1780-\u17df]+)|(?<other>[^\u0e00-\u0e4f\u0e5a-\u0ecf\u1000-\u103f\u1050-\u109f\u1780-\u17df\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\u{20000}-\u{3ffff}]+)/gu;

/** Long runs are segmented in windows: the segmenter is quadratic. */
const WINDOW_CHARACTERS = 1_024;

const segmenters = new Map<string, Intl.Segmenter>();

/** The stretches of one kind of script in a word; null when it has only letters of spaced scripts. */
export function splitScripts(word: string): { script: UnspacedScript | null; text: string }[] | null {
  if (!UNSPACED.test(word)) return null;
  return Array.from(word.matchAll(RUNS), ({ 0: text, groups }) => ({
    script:
      groups?.['cjk'] !== undefined
        ? 'cjk'
        : groups?.['southEastAsian'] !== undefined
          ? 'southEastAsian'
          : null,
    text,
  }));
}

/** Every character, then with its successor: search without a dictionary. */
export function cjkTerms(run: string): string[] {
  const characters = Array.from(run);
  return characters.flatMap((character, index) => {
    const next = characters[index + 1];
    return next === undefined ? [character] : [character, character + next];
  });
}

/** Dictionary words, and every three neighbouring characters for the words that no dictionary has. */
export function southEastAsianTerms(run: string, language: string): { words: string[]; triples: string[] } {
  const words: string[] = [];
  for (let start = 0; start < run.length; start += WINDOW_CHARACTERS) {
    const window = run.slice(start, start + WINDOW_CHARACTERS);
    for (const { segment } of wordSegmenter(language).segment(window)) words.push(segment);
  }
  const triples = Array.from({ length: Math.max(0, run.length - 2) }, (_, index) =>
    run.slice(index, index + 3),
  );
  return { words, triples };
}

function wordSegmenter(language: string): Intl.Segmenter {
  const locale = ['th', 'lo', 'km', 'my'].includes(language) ? language : 'th';
  const existing = segmenters.get(locale);
  if (existing !== undefined) return existing;
  const segmenter = new Intl.Segmenter(locale, { granularity: 'word' });
  segmenters.set(locale, segmenter);
  return segmenter;
}
