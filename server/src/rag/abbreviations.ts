/** Words whose full stop does not end a sentence, whatever follows. Lower case, without the last full stop. */
const ALWAYS = new Set(
  (
    'dr mr mrs ms prof st sr jr messrs rev gen col lt capt sgt hon mt ft vs cf viz approx dept est inc ltd ' +
    'e.g i.e z.b d.h u.a o.ä u.ä i.d.r z.t s.o s.u a.d bzw ca evtl ggf inkl exkl zzgl sog vgl usw insb hr fr ' +
    'dipl ing mag mme mlle m.e p.ex ej sra srta dña ud uds dott sig avv т.е т.к т.д т.п т.н см ср им проф ' +
    'ул просп тыс млн млрд руб напр dhr mevr bijv d.w.z o.a resp m.in np tzw tj'
  ).split(' '),
);

/** Words whose full stop does not end a sentence before a number: "No. 5", "Art. 12", "p. 3". */
const BEFORE_NUMBERS = new Set(
  (
    'no nos nr nrn num fig figs vol ch chap sec sect art abs p pp pg ed par para eq ex tab abb kap bd s z ' +
    'rn ziff lit ref ver v rev str стр рис табл п пп ст гл г д кв jan feb mar apr jun jul aug sep sept oct okt ' +
    'nov dec dez núm pág'
  ).split(' '),
);

const LAST_WORD = /(?:^|[\s([{"'„“«‚‘/])((?:\p{L}[\p{L}\p{M}]*\.)*[\p{L}\p{M}]+)\.$/u;
const SENTENCE_STARTER =
  /^(?:the|this|that|it|he|she|they|we|in|on|at|a|an|and|but|however|these|those|there|when|if)\s/iu;
const GERMAN_ORDINAL =
  /(?:^|\s)(?:am|der|die|das|dem|den|des|im|vom|zum|zur|ab|bis|seit|beim|jeden|jedes|nächsten)\s+\d{1,2}\.$/iu;
const LIST_NUMBER = /^(?:\d{1,3}|\p{L})[.)]$/u;
const MONTH_DAY = /^(?:jan|feb|mär|maerz|apr|mai|jun|jul|aug|sep|okt|nov|dez)[\p{L}]*(?:\s|\.|,|$)/iu;

/**
 * Whether a boundary that the segmenter found is none: `before` ends in an abbreviation, an initial, an ordinal
 * or a list number, or it leaves a bracket open (`[1] Next` after `fact.`).
 */
export function joinsNext(before: string, after: string): boolean {
  if (/[([{]$/u.test(before)) return true;
  if (LIST_NUMBER.test(before)) return true;
  if (!before.endsWith('.')) return false;
  if (GERMAN_ORDINAL.test(before)) return /^\p{Lu}/u.test(after);
  if (/\s\d{1,2}\.$/u.test(before)) return MONTH_DAY.test(after);

  const word = LAST_WORD.exec(before)?.[1];
  if (word === undefined) return false;
  if (ALWAYS.has(word.toLowerCase())) return true;
  if (BEFORE_NUMBERS.has(word.toLowerCase())) return /^[\d§#]/u.test(after);
  // An initial ("J. Smith") or initials ("U.S. Army") join, unless a typical first word follows.
  const isInitials = /^\p{Lu}(?:\.\p{Lu})*$/u.test(word);
  return isInitials && /^[\p{L}\d]/u.test(after) && !SENTENCE_STARTER.test(after);
}
