import snowball from 'snowball-stemmers';

const ALGORITHMS: Record<string, string> = {
  ar: 'arabic',
  ca: 'catalan',
  cs: 'czech',
  da: 'danish',
  de: 'german',
  en: 'english',
  es: 'spanish',
  eu: 'basque',
  fi: 'finnish',
  fr: 'french',
  ga: 'irish',
  hu: 'hungarian',
  hy: 'armenian',
  it: 'italian',
  nb: 'norwegian',
  nl: 'dutch',
  nn: 'norwegian',
  no: 'norwegian',
  pt: 'portuguese',
  ro: 'romanian',
  ru: 'russian',
  sl: 'slovene',
  sv: 'swedish',
  ta: 'tamil',
  tr: 'turkish',
};

/** The Turkish stemmer takes endings for suffixes until hardly anything is left: of `iade`, `iki`, `ürünlerin`. */
const LEAST_TURKISH_STEM = 3;
const TURKISH_PLURAL = /(?<=^.{3,})l[ae]r.*$/u;

/** Words remembered per language; above it the memory starts anew, so that it cannot grow without end. */
const REMEMBERED_WORDS = 50_000;

interface RememberingStemmer {
  stem: (word: string) => string;
  remembered: Map<string, string>;
}

const stemmers = new Map<string, RememberingStemmer>();

/** The Snowball stem of a lower-case word; the word itself in a language without a stemmer. */
export function stem(word: string, language: string): string {
  const algorithm = Object.hasOwn(ALGORITHMS, language) ? ALGORITHMS[language] : undefined;
  if (algorithm === undefined) return word;
  const stemmer = stemmerOf(algorithm);
  const known = stemmer.remembered.get(word);
  if (known !== undefined) return known;
  if (stemmer.remembered.size >= REMEMBERED_WORDS) stemmer.remembered.clear();
  const made = stemmer.stem(word) || word;
  const stemmed =
    language === 'tr' && made.length < LEAST_TURKISH_STEM ? word.replace(TURKISH_PLURAL, '') : made;
  stemmer.remembered.set(word, stemmed);
  return stemmed;
}

function stemmerOf(algorithm: string): RememberingStemmer {
  const existing = stemmers.get(algorithm);
  if (existing !== undefined) return existing;
  const snowballStemmer = snowball.newStemmer(algorithm);
  const stemmer = {
    stem: (word: string) => snowballStemmer.stem(word),
    remembered: new Map<string, string>(),
  };
  stemmers.set(algorithm, stemmer);
  return stemmer;
}
