import { describe, expect, it } from 'vitest';
import { fromMinorUnits, toMinorUnits } from './money.js';

describe('money', () => {
  it.each([
    ['49.00', 'USD', 4900],
    ['49', 'usd', 4900],
    ['0.07', 'EUR', 7],
    ['0.00', 'EUR', 0],
    ['-5.50', 'EUR', -550],
    ['1234.00', 'JPY', 1234],
    ['1.50', 'KWD', 1500],
    ['90071992547409.91', 'USD', 9_007_199_254_740_991],
  ])('%s %s is %d of its smallest units, and back', (amount, currency, units) => {
    expect(toMinorUnits(amount, currency)).toBe(units);
    expect(Number(fromMinorUnits(units, currency))).toBe(Number(amount));
  });

  it('is written with the decimals of its currency', () => {
    expect([fromMinorUnits(5, 'USD'), fromMinorUnits(-5, 'USD'), fromMinorUnits(5, 'JPY')]).toEqual([
      '0.05',
      '-0.05',
      '5',
    ]);
    expect(fromMinorUnits(1_234, 'BHD')).toBe('1.234');
  });

  it.each([
    ['1.005', 'USD'],
    ['1.50', 'JPY'],
    ['a', 'USD'],
    ['1e3', 'USD'],
    ['', 'USD'],
    ['90071992547409.92', 'USD'],
  ])('%j %s is none', (amount, currency) => {
    expect(() => toMinorUnits(amount, currency)).toThrow(currency);
  });
});
