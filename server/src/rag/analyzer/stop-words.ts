import * as stopword from 'stopword';

/**
 * The lists that are good enough to use. Left out: lists that hold names and months (Malay), garbled ones (Urdu),
 * and those of scripts that are indexed by characters (Chinese, Japanese, Korean).
 */
const LISTS: Record<string, string> = {
  ar: 'ara',
  bg: 'bul',
  ca: 'cat',
  cs: 'ces',
  da: 'dan',
  de: 'deu',
  el: 'ell',
  en: 'eng',
  es: 'spa',
  et: 'est',
  fa: 'fas',
  fi: 'fin',
  fr: 'fra',
  he: 'heb',
  hi: 'hin',
  hr: 'hrv',
  hu: 'hun',
  it: 'ita',
  nb: 'nob',
  nl: 'nld',
  nn: 'nob',
  no: 'nob',
  pl: 'pol',
  pt: 'por',
  ro: 'ron',
  ru: 'rus',
  sk: 'slk',
  sv: 'swe',
  th: 'tha',
  tr: 'tur',
  uk: 'ukr',
  vi: 'vie',
};

/** What the lists lack: question words above all, which are rare in documents and would weigh most. */
const ADDED: Record<string, string> = {
  en: "when why whom whose does doing done having not no nor so will shall may just don't doesn't didn't isn't aren't wasn't weren't won't wouldn't couldn't shouldn't can't cannot i'm i've i'd i'll you're you've you'll we're we've we'll they're it'll please",
  de: 'wieviel wieviele inwiefern womit wofür woran worauf bitte gibts',
  es: 'qué quién quiénes cuál cuáles cuándo cómo dónde cuánto cuánta cuántos cuántas es son fue fueron ser era eran está están han había he hay cuales quienes esta este estos estas esa esos esas esto les unos unas nosotros ellos ellas mis tus entre hacia todo toda todos todas otra otros otras e puede pueden tiene tienen haber sido',
  fr: "quand comment pourquoi combien lequel laquelle lesquels lesquelles dont quoi n'est est-ce si donc ni ainsi car plus tout toute tous toutes peut peuvent fait y aucun",
  it: 'quando cosa quali nella ciò può possono essere stato stata stati state ogni qualche',
  pt: 'onde qual quanto quanta quantos quantas é são foi foram ser era eram estar está estão tem têm ter há este sobre pode podem cada porque',
  nl: 'hoeveel waar wanneer waarom waarin welke welk',
  ru: 'где когда какая какие каких каком каким какую какое какого сколько почему зачем который которая которое которые которых которой которого является являются что это как чем',
  tr: 'nedir kaç kimdir nerededir kaçtır mıdır midir nelerdir',
  hi: 'क्या कब कहाँ कहां क्यों कैसे कितने कितनी किस थीं गई गए दिए',
  vi: 'ai nào đâu sao mấy bao nhiêu',
  ar: 'متى أين كيف لماذا كم ماذا هل التي الذي الذين',
  el: 'τι ποτε πωσ γιατι ποσο ποσα ποσοι ποσεσ ηταν εχει εχουν ειχε που ποιον ποιουσ ποιασ ενα μια ενασ',
  ro: 'cine când unde cum ce care câţi câte cât fost era erau',
  pl: 'kto gdzie kiedy dlaczego ile jaki jaka jakie który która które czy',
  sv: 'vem var när varför hur vilken vilka vilket',
  // Chinese is indexed by characters and pairs: a pair of two of these says nothing either.
  zh: '的 了 吗 呢 吧 是 在 和 与 或 也 都 就 而 及 被 把 从 对 于 这 那 其 之 哪 谁 几 多 少 什 么 何 怎 样 为 有 我 你 他 她 它 们 个 些',
  cs: 'kdo kde kdy proč kolik jaký jaká jaké který která které',
};

/** Words of the lists that carry content: what people ask about. */
const KEPT: Record<string, string> = {
  de: 'acht achte achten achter achtes bekannt beispiel dank drei dritte dritten dritter drittes elf ende ernst erst erste ersten erster erstes fünf fünfte fünften fünfter fünftes früher gott gross grosse grossen grosser grosses groß große großen großer großes gut gute guter gutes hoch jahr jahre jahren kleine kleinen kleiner kleines kurz lang lange leicht leide mann mensch menschen mittel morgen neue neuen neun neunte neunten neunter neuntes offen ordnung recht rechte rechten rechter rechtes richtig rund sache schlecht schluss sechs sechste sechsten sechster sechstes sieben siebente siebenten siebenter siebentes startseite suche tag tage tagen tat teil uhr vier vierte vierten vierter viertes weg zehn zehnte zehnten zehnter zehntes zeit zwanzig zwei zweite zweiten zweiter zweites',
  en: 'make made come came like take',
  fr: 'été',
  sv: 'beslut beslutat beslutit dag dagar dagarna dagen del delen fem fjorton fyra fyrtio hundra höger höger kr kvar nio nionde nittio nitton nummer sex sextio sexton sju sjuttio sjutton sist sista tack tio tjugo tolv tre tredje trettio tretton två tvåhundra vänster åtta åttio',
  tr: 'altmış altı beş bin bir doksan dokuz dört elli iki katrilyon kırk milyar milyon on otuz sekiz seksen trilyon yapmak yedi yetmiş yirmi yüz',
  hi: 'घर दो वर्ग',
  ar: 'سنة سنوات عام عاما يوم ايام اليوم مليون مليار مايو ايار قوة زيارة لقاء شخصا الوقت وكالة لوكالة عشرة عشر ثلاثة اربعة صباح مساء نهاية',
  da: 'far fem fire ni otte seks syv ti to tre penge lad stor store',
  hu: 'cikk cikkek cikkeket urak uram urat harminc hat hatvan het hét húsz kilenc nyolc négy öt tíz száz nap napot naponta három hármat új',
  ro: 'cinci doi patru opt zece trei sută nouă şapte şase timp noroc',
  cs: 'dva tři čtyři pět šest sedm osm devět deset rok roku',
};

const NO_WORDS: ReadonlySet<string> = new Set();
const sets = new Map<string, ReadonlySet<string>>();

/** The stop words of a language, in lower case; empty for a language without a list. */
export function stopWords(language: string): ReadonlySet<string> {
  if (!Object.hasOwn(LISTS, language) && !Object.hasOwn(ADDED, language)) return NO_WORDS;
  const existing = sets.get(language);
  if (existing !== undefined) return existing;
  const name = Object.hasOwn(LISTS, language) ? LISTS[language] : undefined;
  const listed = name === undefined ? [] : listNamed(name);
  const added = Object.hasOwn(ADDED, language) ? (ADDED[language]?.split(' ') ?? []) : [];
  const kept = new Set(Object.hasOwn(KEPT, language) ? KEPT[language]?.split(' ') : []);
  const words = new Set([...listed, ...added].filter((word) => !kept.has(word)));
  sets.set(language, words);
  return words;
}

function listNamed(name: string): string[] {
  const list = (stopword as Record<string, unknown>)[name];
  return Array.isArray(list) ? list.filter((word) => typeof word === 'string') : [];
}
