/**
 * Small numbers as they are written out, from 2 on: "one" and its kin are articles and pronouns as well.
 * Listed by value: `two` stands at index 0 for 2, up to twelve.
 */
const WORDS: Record<string, string> = {
  en: 'two three four five six seven eight nine ten eleven twelve',
  de: 'zwei drei vier fünf sechs sieben acht neun zehn elf zwölf',
  nl: 'twee drie vier vijf zes zeven acht negen tien elf twaalf',
  fr: 'deux trois quatre cinq six sept huit neuf dix onze douze',
  es: 'dos tres cuatro cinco seis siete ocho nueve diez once doce',
  it: 'due tre quattro cinque sei sette otto nove dieci undici dodici',
  pt: 'dois três quatro cinco seis sete oito nove dez onze doze',
  ru: 'два три четыре пять шесть семь восемь девять десять одиннадцать двенадцать',
};

/** Words that are something else more often than a number. */
const AMBIGUOUS = new Set(['it:sei', 'de:acht']);
const SMALLEST = 2;

const VALUES = new Map(
  Object.entries(WORDS).map(([language, words]) => [
    language,
    new Map(
      words
        .split(' ')
        .map((word, index): [string, string] => [word, String(index + SMALLEST)])
        .filter(([word]) => !AMBIGUOUS.has(`${language}:${word}`)),
    ),
  ]),
);

/** The digits that a lower-case word stands for in a language; null when it is no number. */
export function numberOfWord(word: string, language: string): string | null {
  return VALUES.get(language)?.get(word) ?? null;
}
