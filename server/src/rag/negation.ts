/**
 * Words that turn a statement into its opposite. Each stands for itself once it is folded to lower case; a trailing
 * `*` also takes what is inflected. Only the part of a double negation that never stands alone is listed ("pas" of
 * "ne … pas").
 */
const WORDS: Record<string, string> = {
  en: "not no never none neither nor without cannot nobody nothing nowhere hardly n't",
  de: 'nicht kein* nie niemals ohne weder nichts niemand* keinesfalls keineswegs',
  fr: 'pas jamais aucun* sans ni rien nul nulle non',
  es: 'no nunca jamás sin ni ningún ninguna ninguno nada nadie tampoco',
  it: 'non mai senza né nessun* niente nulla',
  pt: 'não nunca jamais sem nem nenhum* nada ninguém',
  nl: 'niet geen nooit zonder noch niets niemand',
  sv: 'inte ej aldrig utan ingen inget inga',
  da: 'ikke aldrig uden ingen intet',
  no: 'ikke aldri uten ingen intet',
  nb: 'ikke aldri uten ingen intet',
  fi: 'ei en et emme ette eivät ilman koskaan',
  pl: 'nie bez nigdy ani żaden żadna żadne nic nikt',
  cs: 'ne není nejsou bez nikdy ani žádný žádná žádné nic nikdo nelze',
  ru: 'не нет ни никогда без нельзя никто ничего',
  uk: 'не немає ні ані ніколи без ніхто нічого',
  ro: 'nu fără niciodată nici nimic nimeni niciun nicio',
  tr: 'değil* yok* hayır asla',
  el: 'δεν δε μην όχι ούτε χωρίς ποτέ κανένας καμία',
  hu: 'nem ne soha nélkül sem nincs nincsenek senki semmi',
  id: 'tidak bukan tanpa belum jangan',
  ar: 'لا ليس* لم لن غير بدون دون ولا',
  fa: 'نه نیست نیستند بدون نمی‌*',
  he: 'לא אין בלי אינו אינה אינם',
  hi: 'नहीं न मत बिना',
  vi: 'không chẳng chưa đừng',
};

/** In scripts without spaces: what negates, and words that only look as if they did. */
const SEQUENCES: Record<string, RegExp> = {
  zh: /(?<!除)非(?!常|洲|凡)|不(?!过|同|断|仅|久|但|管|丹|列)|没有?|沒有?|(?<!毫)[无無](?!论|線|线|锡)|未(?!来|來)|勿|别(?=[^人的墅名])/gu,
  ja: /ない|なかった|ません|なく|ずに|なし|無し|(?<![\p{L}])非|未(?!来)|不(?=[\p{sc=Han}])/gu,
  ko: /않|못|없|아니|(?<![\p{L}])안(?=\s)/gu,
  th: /ไม่|มิได้|มิใช่|ไร้|ปราศจาก/gu,
};

const WORD = /[\p{L}\p{N}][\p{L}\p{M}\p{N}\u200c]*(?:['’][\p{L}]+)?/gu;
const CONTRACTION = /n['’]t$/u;
const LATIN_LANGUAGE = 'en';

interface Negators {
  words: ReadonlySet<string>;
  beginnings: readonly string[];
}

const known = new Map<string, Negators>(
  Object.entries(WORDS).map(([language, list]) => {
    const words = list.split(' ');
    return [
      language,
      {
        words: new Set(words.filter((word) => !word.endsWith('*'))),
        beginnings: words.filter((word) => word.endsWith('*')).map((word) => word.slice(0, -1)),
      },
    ];
  }),
);

/** How many words of a text negate. A language without a list is read as English, which is right for many forms. */
export function countNegations(text: string, language: string): number {
  const sequences = Object.hasOwn(SEQUENCES, language) ? SEQUENCES[language] : undefined;
  if (sequences !== undefined) return text.match(sequences)?.length ?? 0;
  const { words, beginnings } = known.get(language) ?? known.get(LATIN_LANGUAGE)!;
  let count = 0;
  for (const [word] of text.toLowerCase().matchAll(WORD)) {
    const negates =
      words.has(word) ||
      (language === LATIN_LANGUAGE && CONTRACTION.test(word)) ||
      beginnings.some((beginning) => word.startsWith(beginning));
    if (negates) count += 1;
  }
  return count;
}
