/** How a language shows that a question goes on from the one before. Alternatives of regular expressions, in lower case. */
interface Cues {
  /** What such a question begins with. */
  openers: string;
  /** What stands for something that was named before. */
  pronouns: string;
  /** Beginnings of questions that are cut down to what is new. */
  prepositions?: string;
  /** What such a question ends with. */
  endings?: string;
  /** Words without content that no list of stop words has. */
  empty?: string;
}

/** Not listed: what more often means something else, such as `there`, the article `das`, or a polite `su`. */
const CUES: Record<string, Cues> = {
  en: {
    openers: 'and|or|but|also|then|so|what about|how about|what if|same for',
    pronouns:
      'its?|they|them|theirs?|this|these|those|that(?= (?:one|is|mean|work|cost|include|apply)|$)|ones?|him|his|she|her|hers|the same|latter|former|both|either|neither',
    prepositions: 'for|in|with|without|on|at|from|until|since|to',
    empty: 'much|many|long|one|ones',
  },
  de: {
    openers: 'und|oder|aber|auch|dann|also|was ist mit|wie ist es mit|wie sieht es|wie steht es',
    pronouns:
      'er|sie|ihn|ihm|ihnen|ihre?|ihre[nr]|seine?|seine[nmrs]|deren|dessen|diese[nmrs]?|dies|davon|dafür|damit|dazu|darin|daran|darauf|dabei|dort|beide|(?:das|es)$',
    prepositions: 'für|in|mit|ohne|bei|nach|von|bis|ab|im|am',
    empty: 'viel|viele|lange',
  },
  es: {
    openers: 'y|e|o|pero|también|entonces|qué tal|qué pasa con',
    pronouns:
      'él|ella|ellos|ellas|eso|esto|est[ea]|est[ao]s|ese|esa|esos|esas|sus?|ambos|el mismo|la misma|\\p{L}+[aei]rl[ao]s?',
    prepositions: 'para|en|con|sin|desde|hasta|por',
    empty: 'mucho|tiempo',
  },
  fr: {
    openers: "et|ou|mais|aussi|alors|donc|qu’en est-il|qu'en est-il",
    pronouns:
      '(?<! a-t-|faut-)il(?! (?:y a|est possible|faut))|elles?|ils|lui|leurs?|son|sa|ses|ça|cela|ceci|celui|celles?|ceux|cet|cette|ces|le même|la même',
    prepositions: 'pour|en|avec|sans|chez|depuis|dans',
  },
  it: {
    openers: 'e|ed|o|oppure|ma|anche|allora|quindi|che ne dici',
    pronouns:
      'ess[aieo]|lui|lei|loro|suo|sua|suoi|sue|quest[aeio]|quell[aeio]|ciò|lo stesso|la stessa|entramb[ei]|\\p{L}+[aei]r(?:l[aeio]|ne)',
    prepositions: 'per|in|con|senza|da|fino',
  },
  pt: {
    openers: 'e|ou|mas|também|então|que tal',
    pronouns:
      'eles?|elas?|isso|isto|aquilo|est[ea]s?|ess[ea]s?|del[ea]s?|nel[ea]s?|disso|disto|seus?|suas?|ambos|o mesmo|a mesma',
    prepositions: 'para|em|com|sem|desde|até|por|no|na',
  },
  nl: {
    openers: 'en|of|maar|ook|dan|dus|hoe zit het met|wat met',
    pronouns:
      'hij|hem|zij|ze|haar|hun|deze|dit|die|dat|ervan|ervoor|daarvan|daarvoor|hiervan|hetzelfde|dezelfde|beide|het$',
    prepositions: 'voor|met|zonder|naar|bij|in|tot|vanaf',
    empty: 'lang|veel',
  },
  pl: {
    openers: 'a|i|oraz|lub|albo|ale|też|co z|jak z',
    pronouns: 'on|ona|ono|oni|jego|jej|ich|nim|nią|nich|to|ten|ta|te|tego|tej|tym|tych|tam',
    prepositions: 'dla|w|z|bez|do|od|na',
  },
  ru: {
    openers: 'а|и|или|но|тогда|также|как насч[её]т|что насч[её]т',
    pronouns:
      'он|она|оно|они|его|её|ее|их|ему|ей|им|них|него|неё|нее|ним|ней|это|этот|эта|эти|этого|этой|этом|этих|там|оба',
    prepositions: 'для|в|с|без|на|из|до|у|от',
  },
  ar: {
    openers: 'وماذا|وما|وكم|وهل|وكيف|ومتى|وأين|ولماذا|وبالنسبة|ماذا عن|أو|لكن|ولكن|إذن|وإذا',
    pronouns:
      '(?<!(?:ما|من|كم|أين|متى|كيف|ماذا) |(?:التي|الذي|الذين) .*)(?:(?:هو|هي|هم)|هذا|هذه|ذلك|تلك|هؤلاء|منه|منها|له|لها|فيه|فيها|عنه|عنها|به|بها|\\p{L}{3,}(?:ها|هما))',
    empty: 'وماذا|وما|وكم|وهل|وكيف|ومتى|وأين|ولماذا|عن',
  },
  hi: {
    openers: 'और|या|लेकिन|फिर|तो',
    pronouns: 'यह|ये|वह|वे|इसका|इसकी|इसके|उसका|उसकी|उसके|इनका|इनकी|उनका|उनकी|इसमें|उसमें|इसे|उसे|इस|उस|इन|उन',
    empty: 'कितना|कितनी|कितने|क्या',
  },
  tr: {
    openers: 'peki|ya|ve|veya|ama|fakat|o zaman',
    pronouns:
      'o|onun|ona|onu|onda|ondan|bu|bunun|buna|bunu|bunda|bundan|şu|onlar|onların|bunlar|bunların|aynısı',
    empty: 'ne|kadar|peki|mı|mi|mu|mü',
  },
  ko: {
    openers: '그럼|그러면|그리고|또는|하지만',
    pronouns: '그것|이것|그거|이거|그건|이건|그|이',
  },
  vi: {
    openers: 'và|còn|hoặc|nhưng|thế còn|vậy',
    pronouns: 'nó|này|đó|kia|họ|chúng',
    empty: 'thì|bao|nhiêu|còn',
  },
  zh: {
    openers: '那么|那|还有|另外|以及|或者|但是',
    pronouns: '它们?|他们|她|这个|那个|这些|那些|这种|那种',
    endings: '呢',
    empty: '那么|那|呢|多少|什么|怎么|多久|吗',
  },
  ja: {
    openers: 'では|じゃあ?|それでは|それなら|そして|また|あと|でも',
    pronouns: 'それ|これ|あれ|その|この|あの|そちら|こちら|そこ|彼女?',
    endings: 'は',
    empty: 'は|が|を|に|で|と|も|か|の|です|ます|いくら|何|いつ|どこ|どう|どの|では|じゃ|あと|それ|その',
  },
  th: {
    openers: 'แล้ว|และ|หรือ|แต่',
    pronouns: 'มัน|นี้|นั้น|เขา',
    endings: 'ล่ะ|ละ',
    empty: 'แล้ว|ล่ะ|ละ|เท่าไหร่|เท่าไร',
  },
};

/** Written without spaces: a cue stands in the middle of a run of letters. */
const WITHOUT_SPACES = new Set(['zh', 'ja', 'th']);

export interface CueTests {
  opens: RegExp;
  refers: RegExp;
  /** A bare preposition at the start; null where the language has none there. */
  isCutDown: RegExp | null;
  ends: RegExp | null;
  empty: ReadonlySet<string>;
}

const tests = new Map<string, CueTests>();

/** The cues of a language; those of English for a language without a list. */
export function cuesOf(language: string): CueTests {
  const known = tests.get(language);
  if (known !== undefined) return known;
  const { openers, pronouns, prepositions, endings, empty } = CUES[language] ?? CUES['en']!;
  const before = WITHOUT_SPACES.has(language) ? '' : String.raw`(?<![\p{L}\p{M}\p{N}])`;
  const after = WITHOUT_SPACES.has(language) ? '' : String.raw`(?![\p{L}\p{M}\p{N}])`;
  const made: CueTests = {
    opens: new RegExp(`^(?:${openers})${after}`, 'u'),
    refers: new RegExp(`${before}(?:${pronouns})${after}`, 'gu'),
    isCutDown: prepositions === undefined ? null : new RegExp(`^(?:${prepositions})${after}`, 'u'),
    ends: endings === undefined ? null : new RegExp(`(?:${endings})$`, 'u'),
    empty: new Set(empty?.split('|')),
  };
  tests.set(language, made);
  return made;
}
