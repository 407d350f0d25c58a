const INVISIBLE =
  // oxlint-disable-next-line no-misleading-character-class
  /[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]/gu;
/** Tag characters are an invisible copy of ASCII. */
const TAGS = /[\u{e0020}-\u{e007e}]+/gu;
const TAG_OFFSET = 0xe0000;

/** Letters of other scripts that look like Latin ones, by the Latin one. */
const LOOKALIKES = Object.entries({
  a: 'аα',
  b: 'ьв',
  c: 'сϲ',
  d: 'ԁ',
  e: 'еєε',
  g: 'ɡ',
  h: 'һн',
  i: 'іι',
  j: 'ј',
  k: 'кκ',
  l: 'ӏⅼ',
  m: 'м',
  n: 'ոη',
  o: 'оοσօ',
  p: 'рρ',
  q: 'ԛ',
  r: 'гᴦ',
  s: 'ѕ',
  t: 'тτ',
  u: 'υս',
  v: 'ѵν',
  w: 'ԝω',
  x: 'хχ',
  y: 'уγү',
  z: 'ᴢ',
}).flatMap(([latin, others]) => Array.from(others, (other): [string, string] => [other, latin]));
const LATIN_OF = new Map(LOOKALIKES);
const DIGIT_LETTERS = new Map(
  Object.entries({ 0: 'o', 1: 'i', 3: 'e', 4: 'a', 5: 's', 7: 't', '@': 'a', $: 's', '!': 'i' }),
);

const WORD = /[\p{L}\p{M}\p{N}@$!]+/gu;
/** `i g n o r e`, `i-g-n-o-r-e`: at least five single letters. */
const SPACED_LETTERS = /(?<![\p{L}\p{N}])\p{L}(?:[ ._*-]\p{L}(?![\p{L}\p{N}])){4,}/gu;
const BASE64 = /(?<![\w+/=-])[A-Za-z0-9+/]{24,4000}={0,2}(?![\w+/=])/gu;
const READABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{Zs}\n\r\t]+$/u;
/** Runs of Base64 that are looked into. */
const MAX_RUNS = 8;

/**
 * A text as a model may understand it although people do not see it so: invisible characters gone, tag characters and
 * Base64 decoded, look-alike letters and digits in words read as letters, spaced letters joined.
 * @returns null when it is what it seems
 */
export function revealHiddenText(text: string): string | null {
  const seen = text.normalize('NFKC');
  const tags = text.replaceAll(TAGS, (run) =>
    Array.from(run, (tag) => String.fromCodePoint((tag.codePointAt(0) ?? TAG_OFFSET) - TAG_OFFSET)).join(''),
  );
  const plain = tags
    .normalize('NFKC')
    .replaceAll(INVISIBLE, '')
    .replaceAll(SPACED_LETTERS, (run) => run.replaceAll(/[ ._*-]/gu, ''))
    .replaceAll(WORD, readAsLatin);
  const decoded = decodeBase64(text);
  const revealed = decoded === '' ? plain : `${plain}\n${decoded}`;
  return revealed === seen ? null : revealed;
}

/** Only words that mix what no writing mixes: Latin with letters of another script, or letters around digits. */
function readAsLatin(word: string): string {
  const hasLatin = /[a-z]/iu.test(word);
  const lookalikes = Array.from(word.toLowerCase()).filter((letter) => LATIN_OF.has(letter)).length;
  if (hasLatin && lookalikes > 0) {
    return Array.from(word.toLowerCase(), (letter) => LATIN_OF.get(letter) ?? letter).join('');
  }
  if (/[a-z]/iu.test(word) && /[0134579@$!](?=\p{L})/u.test(word)) {
    return Array.from(word, (letter) => DIGIT_LETTERS.get(letter) ?? letter).join('');
  }
  return word;
}

function decodeBase64(text: string): string {
  const decoded: string[] = [];
  for (const [run] of text.matchAll(BASE64)) {
    if (decoded.length >= MAX_RUNS) break;
    const readable = decodeRun(run);
    if (readable !== null) decoded.push(readable);
  }
  return decoded.join('\n');
}

function decodeRun(run: string): string | null {
  const bare = run.replace(/=+$/u, '');
  try {
    const bytes = Uint8Array.from(
      atob(bare.slice(0, bare.length - (bare.length % 4 === 1 ? 1 : 0))),
      (byte) => byte.charCodeAt(0),
    );
    const decoded = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return READABLE.test(decoded) && /\s/u.test(decoded) ? decoded : null;
  } catch {
    return null;
  }
}
