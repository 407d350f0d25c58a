import { describe, expect, it } from 'vitest';

import { normalizeText } from './normalize-text.js';

describe('normalizeText', () => {
  it.each([
    ['a\r\nb\rc\u2028d\fe', 'a\nb\nc\nd\ne', 'every line break is a line feed'],
    ['a\n\n\n \t\n\nb', 'a\n\nb', 'one empty line at the most'],
    ['  \n\n a  \nb \n\n', ' a\nb', 'no blanks at line ends, no empty lines at the ends'],
    ['a\tb\u00a0c\u2009d', 'a b c d', 'one kind of blank'],
    ['e\u0301', 'é', 'NFC'],
    ['a\u0000b\u0007c\u009fd', 'abcd', 'no control characters'],
    ['a\u200bb\ufeffc\u00add\u2066e\u{e0041}f', 'abcdef', 'nothing invisible'],
    ['a\ud800b\udc00c\ufffe', 'abc', 'no half surrogates, no noncharacters'],
    ['a\u200dd', 'ad', 'no joiner in Latin text'],
    ['می\u200cخواهم', 'می\u200cخواهم', 'the joiners of Persian stay'],
    ['👩\u200d🚀 ❤\ufe0f\u200d🔥', '👩\u200d🚀 ❤\ufe0f\u200d🔥', 'the joiners of emoji stay'],
    [`a${'\u0316'.repeat(500)}`, `a${'\u0316'.repeat(30)}`, 'no tower of marks'],
    ['\u3000字', '\u3000字', 'the ideographic space stays'],
  ])('makes of %j %j: %s', (text, expected) => {
    expect(normalizeText(text, 'plain')).toBe(expected);
    expect(normalizeText(expected, 'plain')).toBe(expected);
  });

  it('leaves tabs and blanks in code as they are, and indents by blanks elsewhere', () => {
    const text = '-\ta\n\t- b\tc\n```\n\tx\u00a0=\t1  \n~~~\n````\nd\te\n~~~js\n\tf\n```\n\tg';
    const expected = '- a\n    - b c\n```\n\tx\u00a0=\t1\n~~~\n````\nd e\n~~~js\n\tf\n```\n\tg';
    expect(normalizeText(text, 'markdown')).toBe(expected);
    expect(normalizeText(expected, 'markdown')).toBe(expected);
  });
});
