const IBAN = String.raw`\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b`;
const AT = String.raw`(?:@| ?[\[({]at[\])}] ?)`;
const DOT = String.raw`(?:\.| ?[\[({]dot[\])}] ?)`;
/** Bounded everywhere, so that no text takes long. */
const EMAIL = String.raw`[\p{L}\p{N}._%+'-]{1,64}${AT}(?:[\p{L}\p{N}-]{1,63}${DOT}){1,8}\p{L}[\p{L}\p{N}-]{1,62}`;
/** Digits with what people put between them; what stands before and after is neither letter, digit nor fraction. */
const NUMBER = String.raw`(?<![\p{L}\p{N}_#]|\d[.,:])(?:\+ ?|\(\+?)?\d(?:(?:[ \u00a0.\-/]| ?\(|\)[ \u00a0\-./]?| [-/] )?\d){4,30}(?![\p{L}\p{N}]|[,:]\d)`;
const PERSONAL = new RegExp(`(?<iban>${IBAN})|(?<email>${EMAIL})|(?<number>${NUMBER})`, 'giu');

const DATE = /^(?:\d{1,2}([./-])\d{1,2}\1\d{2,4}|\d{4}([./-])\d{1,2}\2\d{1,2})(?:[ /-]|$)/;
/** As payment cards of the present are numbered (ISO/IEC 7812): first digits, then how many there are in all. */
const CARD = /^(?:3[47]\d{13}|3[0689]\d{12}|4\d{12}|[2-6]\d{15,18})$/;
/** 212-555-0100, (212) 555 0100, 1-800-555-0199 */
const NORTH_AMERICAN = /^(?:1[ .-])?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[ .-])\d{3}[ .-]\d{4}$/;

/**
 * Puts `[email]`, `[phone]` and `[card]` in the place of e-mail addresses, telephone numbers and card numbers. Bank
 * accounts, dates, prices and plain numbers stay: a telephone number is told by its `+`, `00` or `0`, or by how
 * North Americans group it; a card by its length, its first digits and its check digit.
 */
export function redactPersonalData(text: string): string {
  return text.replaceAll(PERSONAL, (found: string, ...rest: unknown[]) => {
    const { email, number } = rest.at(-1) as Record<string, string | undefined>;
    if (email !== undefined) return '[email]';
    return number === undefined ? found : redactNumber(number);
  });
}

/** Two numbers may stand side by side: the longest beginning that is one counts, then the rest. */
function redactNumber(written: string): string {
  for (let end = written.length; end > 0; end = written.lastIndexOf(' ', end - 1)) {
    const label = labelOf(written.slice(0, end));
    if (label !== null)
      return `${label}${written.slice(end, end + 1)}${redactNumber(written.slice(end + 1))}`;
  }
  return written;
}

function labelOf(written: string): string | null {
  const digits = written.replaceAll(/\D/g, '');
  if (CARD.test(digits) && hasCheckDigit(digits)) return '[card]';
  return isPhone(written, digits) ? '[phone]' : null;
}

function isPhone(written: string, digits: string): boolean {
  if (DATE.test(written)) return false;
  const { length } = digits;
  if (/^\(?\+/.test(written)) return length >= 7 && length <= 15;
  if (/^00[1-9]/.test(digits)) return length >= 9 && length <= 17;
  // Of a number in one's own country: with a sign in it, or as long as one is.
  if (/^0[1-9]/.test(digits)) return length >= (written.length > length ? 7 : 9) && length <= 13;
  return NORTH_AMERICAN.test(written);
}

/** Luhn's check (ISO/IEC 7812-1, annex B). */
function hasCheckDigit(digits: string): boolean {
  let sum = 0;
  for (let index = 0; index < digits.length; index += 1) {
    const digit = Number(digits[digits.length - 1 - index]);
    const doubled = digit * 2;
    sum += index % 2 === 0 ? digit : doubled - (doubled > 9 ? 9 : 0);
  }
  return sum % 10 === 0;
}
