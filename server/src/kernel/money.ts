/** Currencies that have no smaller unit, and those whose unit has a thousand parts, as Stripe counts them. */
const WHOLE = new Set('BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF'.split(' '));
const THOUSANDTHS = new Set('BHD JOD KWD OMR TND'.split(' '));
const MOST_DECIMALS = 2;

/**
 * `49.00` in USD is 4900 cents. @param amount a decimal number as text, such as a column of money gives it
 * @throws Error for an amount that the currency has no units for
 */
export function toMinorUnits(amount: string, currency: string): number {
  const match = /^(-?)(\d+)(?:\.(\d*?)0*)?$/.exec(amount);
  const decimals = decimalsOf(currency);
  const [, sign = '', whole = '', parts = ''] = match ?? [];
  if (match === null || parts.length > decimals) throw new Error(`no amount of ${currency}: ${amount}`);
  const units = Number(`${sign}${whole}${parts.padEnd(decimals, '0')}`);
  if (!Number.isSafeInteger(units)) throw new Error(`too much ${currency}: ${amount}`);
  return units === 0 ? 0 : units;
}

/** 4900 cents are `49.00` in USD. */
export function fromMinorUnits(units: number, currency: string): string {
  const decimals = decimalsOf(currency);
  const digits = String(Math.abs(units)).padStart(decimals + 1, '0');
  const sign = units < 0 ? '-' : '';
  if (decimals === 0) return `${sign}${digits}`;
  return `${sign}${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

function decimalsOf(currency: string): number {
  const code = currency.toUpperCase();
  if (WHOLE.has(code)) return 0;
  return THOUSANDTHS.has(code) ? MOST_DECIMALS + 1 : MOST_DECIMALS;
}
