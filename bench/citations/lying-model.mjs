import { splitSentences } from '../../server/dist/rag/sentences.js';

const INVENTIONS = [
  'Elephants can fly since 1999',
  'Наш магазин открыт по воскресеньям',
  'الفيل الأرجواني يطير في السماء',
  '退货期限为九十天',
  'Die Garantie beträgt 400 Jahre',
  'เปิดบริการทุกวันยกเว้นวันอาทิตย์',
  '🎉 Great news 👩‍👩‍👧 for everyone',
  '\u202eright to left\u202c it says',
];
const MARKERS = [
  '[1]',
  '[2]',
  '[3]',
  ' [1]',
  ' [4][2]',
  '[99]',
  ' [0]',
  '[1, 2]',
  '[1-3]',
  ' [^1]',
  '【1】',
  '【2】',
  '[１]',
  '[١]',
  '[२]',
  '[ 1 ]',
  '[[1]]',
  '[1',
  '1]',
  '[',
  ']',
  '[]',
  '[1][1]',
  ' [12345]',
  '[1](https://evil.example/a)',
  '\\[1]',
  '[1]:',
  '[2]: https://evil.example/b',
  '\r\n[1]',
  '\n\n[2] ',
];
const TRICKS = [
  '`list[3]`',
  '``a`[9]``',
  '```\ncode[7] https://evil.example\n```\n',
  '\n~~~\n[5]\n~~~\n',
  '`',
  '``',
  '\n```',
  '\n- ',
  '\n1. ',
  '[text](https://evil.example/x)',
  '![alt](https://evil.example/p.png)',
  '[ok](https://docs.example/b)',
  '<img src="https://evil.example/i">',
  '<a href="https://evil.example">x</a>',
  '<script>alert(1)</script>',
  'https://evil.example/y?z=[1]',
  'www.evil.example',
  '//evil.example',
  '[x](javascript:alert(1))',
  '[a [b] c](https://evil.example)',
  '\n| a | b |\n|---|---|\n| 1 | `x|y` |\n',
  '\n> ',
  '\n## Title\n',
  '&#104;',
  '\\',
  '!',
  '<',
  '(',
  ')',
];

/** An answer that mixes what the passages say with what they do not, cites at random, and breaks every form. */
export function lieAbout(passages, random) {
  const pick = (list) => list[Math.floor(random() * list.length)];
  let answer = '';
  const parts = 2 + Math.floor(random() * 8);
  for (let part = 0; part < parts; part += 1) {
    const kind = random();
    if (kind < 0.55) {
      const { text } = pick(passages);
      const { start, end } = pick(splitSentences(text));
      let sentence = text.slice(start, end);
      if (random() < 0.3) sentence = sentence.replace(/\p{Nd}/u, (digit) => String((Number(digit) + 1) % 10));
      if (random() < 0.2) sentence = sentence.slice(0, Math.floor(sentence.length / 2)).toWellFormed();
      answer += sentence;
    } else if (kind < 0.75) answer += pick(INVENTIONS);
    else answer += pick(TRICKS);
    if (random() < 0.7) answer += pick(MARKERS);
    answer += pick(['. ', '. ', ' ', '\n', '\r\n', '', '。', '! ', '? ', ': ']);
  }
  return answer;
}
