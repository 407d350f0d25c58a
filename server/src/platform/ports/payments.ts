/** How far a subscription is. `incomplete`: nothing of it was ever paid, so it gives and takes nothing. */
export type PaidStanding = 'incomplete' | 'trialing' | 'active' | 'past_due' | 'unpaid' | 'ended';

/** What follows the plan of a subscription when its paid time is over. */
export type NextPlan =
  | { type: 'same' }
  | { type: 'none'; at: Date }
  | { type: 'other'; priceIds: string[]; at: Date }
  /** Something else, which only the provider can tell. */
  | { type: 'unknown' };

/** A subscription, as it was at some time. */
export interface PaidSubscription {
  id: string;
  customerId: string;
  /** As its checkout said. */
  userId: string | null;
  plan: string | null;
  /** What it costs now. */
  priceIds: string[];
  standing: PaidStanding;
  createdAt: Date;
  /** Its months begin on this day and time. */
  anchor: Date;
  trialEndsAt: Date | null;
  next: NextPlan;
}

/** Credits that were paid for. */
export interface PaidAddOn {
  /** Of the payment; what is known by it happened once. */
  paymentId: string;
  userId: string | null;
  addOnId: string;
  /** Packages. */
  quantity: number;
  /** A decimal number. */
  amount: string;
  currency: string;
}

export interface PaidInvoice {
  id: string;
  number: string | null;
  status: string;
  /** Decimal numbers. */
  total: string;
  amountPaid: string;
  currency: string;
  periodStart: Date | null;
  periodEnd: Date | null;
  hostedUrl: string | null;
  userId: string | null;
}

/** What was paid back of a payment so far, in all. */
export interface PaymentRefund {
  chargeId: string;
  /** What was paid, and paid back of it: decimal numbers. */
  amount: string;
  refunded: string;
  /** The same as a part of one, from 0 to 1. */
  part: number;
  currency: string;
  /** What the payment was for, where that were credits. */
  addOn: PaidAddOn | null;
}

export type PaymentEvent = {
  id: string;
  type: string;
  /** To the second, by the provider's clock. */
  occurredAt: Date;
  customerId: string | null;
} & (
  | { what: 'subscription'; change: 'created' | 'updated' | 'deleted'; subscription: PaidSubscription }
  | {
      what: 'plan_bought';
      subscriptionId: string;
      boughtAt: Date;
      userId: string | null;
      plan: string | null;
    }
  | { what: 'add_on_bought'; addOn: PaidAddOn }
  | { what: 'invoice'; invoice: PaidInvoice }
  | { what: 'refund'; refund: PaymentRefund }
  /** Something about its subscription has changed, which is to be asked for. */
  | { what: 'unclear' }
  | { what: 'customer_deleted' }
  /** One that nothing depends on. */
  | { what: 'other' }
);

export interface Checkout {
  customerId: string;
  /** What is bought: by the provider's price where there is one, else by what it is called and costs. */
  item: {
    name: string;
    /** A decimal number, for one. */
    price: string;
    currency: string;
    priceId: string | null;
    quantity: number;
  };
  /** A subscription by the month, with days that cost nothing at its start; or a single payment. */
  mode: { type: 'subscription'; trialDays: number } | { type: 'payment' };
  /** Comes back with each event of what was bought. */
  metadata: Record<string, string>;
  paidUrl: string;
  cancelledUrl: string;
  /** The same for each try at the same checkout. */
  idempotencyKey: string;
}

export type MeteredKind = 'messages_mini' | 'messages_premium' | 'indexed_pages';

/**
 * Where accounts pay. Everything but `readEvent` goes over the network.
 * @throws AppError `unavailable` where the provider cannot be reached or asks for patience, `not_configured` where it
 * refuses what is asked as its account is set up
 */
export interface Payments {
  /** @param customer.idempotencyKey the same key gives the same customer */
  createCustomer(customer: {
    userId: string;
    email: string;
    name: string;
    idempotencyKey: string;
  }): Promise<string>;
  /** Of several checkouts of subscriptions the newest alone can be paid. @returns where to pay */
  openCheckout(checkout: Checkout): Promise<string>;
  /** @returns where a customer sees to its means of payment, its invoices and its subscription */
  openPortal(portal: { customerId: string; returnUrl: string }): Promise<string>;
  /** All that a customer has had; none for one that is gone. */
  listSubscriptions(customerId: string): Promise<PaidSubscription[]>;
  /** Ends every subscription at once, and erases the customer. One that is gone is fine. */
  endCustomer(customerId: string): Promise<void>;
  /** Ids of the meters that count usage, by what they count; without those that there are not. */
  listMeters(): Promise<Partial<Record<MeteredKind, string>>>;
  /** Counts usage. What has the same `idempotencyKey` counts once, for a day. */
  sendUsage(usage: {
    customerId: string;
    kind: MeteredKind;
    quantity: number;
    at: Date;
    idempotencyKey: string;
  }): Promise<void>;
  /** What a meter has counted from `from` until before `to`, at full minutes. */
  sumUsage(sum: { meterId: string; customerId: string; from: Date; to: Date }): Promise<number>;
  /**
   * Reads an event that was sent to us, if its signature is right and was made within five minutes of `now`.
   * @throws AppError `malformed`
   */
  readEvent(body: Buffer, signature: string | undefined, now: Date): Promise<PaymentEvent>;
}
