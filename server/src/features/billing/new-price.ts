import { normalAmount } from '#kernel/normal-amount.js';

interface Price<Amount extends string | null> {
  price: Amount;
  currency: string;
  stripePriceId: string | null;
}

/**
 * The price of a new version. Another amount takes the price at Stripe away where no new one is named: what is bought
 * from then on would else be paid at the old one.
 */
export function newPrice<Amount extends string | null>(
  before: Price<Amount>,
  input: { [Key in keyof Price<Amount>]?: Price<Amount>[Key] | undefined },
): Price<Amount> {
  const { currency = before.currency } = input;
  const amount = input.price === undefined ? before.price : input.price;
  const price = (amount === null ? null : normalAmount(amount)) as Amount;
  const isSame = price === before.price && currency === before.currency;
  const { stripePriceId = isSame ? before.stripePriceId : null } = input;
  return { price, currency, stripePriceId };
}
