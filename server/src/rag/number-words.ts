/**
 * Numbers as they are written out, from 2 on: "one" and its kin are articles and pronouns as well.
 * Listed by value: `two` stands at index 0 for 2; `-` where a form is left out.
 */
const WORDS: Record<string, string> = {
  en: 'two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty',
  de: 'zwei drei vier fünf sechs sieben - neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn zwanzig',
  nl: 'twee drie vier vijf zes zeven acht negen tien elf twaalf dertien veertien vijftien zestien zeventien achttien negentien twintig',
  fr: 'deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize - - - vingt',
  es: 'dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete dieciocho diecinueve veinte',
  it: 'due tre quattro cinque - sette otto nove dieci undici dodici tredici quattordici quindici sedici diciassette diciotto diciannove venti',
  pt: 'dois três quatro cinco seis sete oito nove dez onze doze treze catorze quinze dezesseis dezessete dezoito dezenove vinte',
  ru: 'два три четыре пять шесть семь восемь девять десять одиннадцать двенадцать тринадцать четырнадцать пятнадцать шестнадцать семнадцать восемнадцать девятнадцать двадцать',
  pl: 'dwa trzy cztery pięć sześć siedem osiem dziewięć dziesięć jedenaście dwanaście trzynaście czternaście piętnaście szesnaście siedemnaście osiemnaście dziewiętnaście dwadzieścia',
  sv: 'två tre fyra fem sex sju åtta nio tio elva tolv tretton fjorton femton sexton sjutton arton nitton tjugo',
  ro: 'doi trei patru cinci șase șapte opt nouă zece unsprezece doisprezece treisprezece paisprezece cincisprezece șaisprezece șaptesprezece optsprezece nouăsprezece douăzeci',
  tr: 'iki üç dört beş - yedi sekiz dokuz - - - - - - - - - - yirmi',
  hi: 'दो तीन चार पाँच छह सात आठ नौ दस ग्यारह बारह तेरह चौदह पंद्रह सोलह सत्रह अठारह उन्नीस बीस',
  ar: 'اثنان ثلاثة أربعة خمسة ستة سبعة ثمانية تسعة عشرة - - - - - - - - - عشرون',
};

/** Other forms of a value: tens, feminine and oblique forms, ordinals. */
const FORMS: Record<string, Record<string, string>> = {
  en: {
    '1': 'first',
    '2': 'second twice',
    '3': 'third',
    '4': 'fourth',
    '5': 'fifth',
    '6': 'sixth',
    '7': 'seventh',
    '8': 'eighth',
    '9': 'ninth',
    '10': 'tenth',
    '12': 'dozen twelfth',
    '30': 'thirty',
    '40': 'forty',
    '50': 'fifty',
    '60': 'sixty',
    '70': 'seventy',
    '80': 'eighty',
    '90': 'ninety',
  },
  de: {
    '30': 'dreißig',
    '40': 'vierzig',
    '50': 'fünfzig',
    '60': 'sechzig',
    '70': 'siebzig',
    '80': 'achtzig',
    '90': 'neunzig',
  },
  fr: { '30': 'trente', '40': 'quarante', '50': 'cinquante', '60': 'soixante' },
  es: {
    '30': 'treinta',
    '40': 'cuarenta',
    '50': 'cincuenta',
    '60': 'sesenta',
    '70': 'setenta',
    '80': 'ochenta',
    '90': 'noventa',
  },
  ru: {
    '2': 'две двух',
    '3': 'трех трёх',
    '4': 'четырех четырёх',
    '5': 'пяти',
    '6': 'шести',
    '7': 'семи',
    '8': 'восьми',
    '9': 'девяти',
    '10': 'десяти',
  },
  pt: { '2': 'duas' },
  ar: { '3': 'ثلاث', '4': 'أربع', '5': 'خمس', '6': 'ست', '7': 'سبع', '8': 'ثماني', '9': 'تسع', '10': 'عشر' },
};

const SMALLEST = 2;

const VALUES = new Map(
  Object.entries(WORDS).map(([language, words]) => {
    const values = new Map<string, string>();
    for (const [index, word] of words.split(' ').entries()) {
      if (word !== '-') values.set(word, String(index + SMALLEST));
    }
    for (const [value, forms] of Object.entries(FORMS[language] ?? {})) {
      for (const form of forms.split(' ')) values.set(form, value);
    }
    return [language, values];
  }),
);

/** The digits that a lower-case word stands for in a language; null when it is no number. */
export function numberOfWord(word: string, language: string): string | null {
  return VALUES.get(language)?.get(word) ?? null;
}
