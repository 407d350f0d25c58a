import { describe, expect, it } from 'vitest';
import { createMarkerReader } from './markers.js';

/** Keeps [1] and [2] as they are, removes the rest. */
function read(pieces: readonly string[]): { shown: string[]; markers: number[][] } {
  const markers: number[][] = [];
  const reader = createMarkerReader({
    onText: () => {},
    onMarkersEnd: () => {},
    onMarker: (numbers) => {
      markers.push(numbers);
      return numbers
        .filter((number) => number === 1 || number === 2)
        .map((number) => `[${number}]`)
        .join('');
    },
  });
  const shown = pieces.map((piece) => reader.push(piece));
  return { shown: [...shown, reader.end()], markers };
}

describe('createMarkerReader', () => {
  it.each([
    ['a [1] b [9] c [9].', 'a [1] b c.', [[1], [9], [9]]],
    ['x [1, 2][3] 【2】 [^1]', 'x [1][2] [2] [1]', [[1, 2], [3], [2], [1]]],
    ['[9] Start\n[9] Line\n[1]', 'Start\nLine\n[1]', [[9], [9], [1]]],
    ['see [text] and [link](http://a.b/[1]) [2](x)', 'see [text] and [link](http://a.b/[1]) [2](x)', [[1]]],
    ['code `a[9]` and ``b`[9]`` end [9]', 'code `a[9]` and ``b`[9]`` end', [[9]]],
    ['```\nlist[9]\n```\nafter [9]', '```\nlist[9]\n```\nafter', [[9]]],
    ['open [1', 'open [1', []],
    ['[[1]] [ ] []', '[[1]] [ ] []', [[1]]],
    ['a  [9]  b', 'a  b', [[9]]],
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
