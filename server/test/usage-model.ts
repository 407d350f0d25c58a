type Tier = 'mini' | 'premium';
type Counts = Record<Tier, number>;

interface ModelPeriod {
  used: Counts;
  reserved: Counts;
  limits: Counts;
}

interface ModelGrant {
  id: string;
  tier: Tier;
  quantity: number;
  used: number;
  reserved: number;
  revoked: number;
  expiresAt: number | null;
}

export interface ModelReservation {
  tier: Tier;
  month: string;
  grant: ModelGrant | null;
}

const zero = (): Counts => ({ mini: 0, premium: 0 });
const leftOf = ({ quantity, used, reserved, revoked }: ModelGrant) => quantity - used - reserved - revoked;
const monthOf = (now: Date) => now.toISOString().slice(0, 7);

/** Usage as one would keep it by hand, one thing after the other: what the real one is compared with. */
export function createUsageModel(planLimits: Counts) {
  const periods = new Map<string, ModelPeriod>();
  const grants: ModelGrant[] = [];
  let limits = planLimits;

  const periodOf = (now: Date): ModelPeriod => {
    const found = periods.get(monthOf(now));
    if (found !== undefined) return found;
    const opened = { used: zero(), reserved: zero(), limits };
    periods.set(monthOf(now), opened);
    return opened;
  };

  return {
    periods,
    grants,
    open(tier: Tier, now: Date): ModelReservation | null {
      const period = periodOf(now);
      if (period.used[tier] + period.reserved[tier] < period.limits[tier]) {
        period.reserved[tier] += 1;
        return { tier, month: monthOf(now), grant: null };
      }
      const isUsable = (grant: ModelGrant) =>
        grant.tier === tier &&
        leftOf(grant) > 0 &&
        (grant.expiresAt === null || grant.expiresAt > now.getTime());
      const grant = grants.find(isUsable);
      if (grant === undefined) return null;
      grant.reserved += 1;
      return { tier, month: monthOf(now), grant };
    },
    close({ tier, month, grant }: ModelReservation, isCharged: boolean): void {
      const units = isCharged ? 1 : 0;
      if (grant !== null) {
        grant.reserved -= 1;
        grant.used += units;
        return;
      }
      const period = periods.get(month);
      if (period === undefined) throw new Error('a reservation of no period');
      period.reserved[tier] -= 1;
      period.used[tier] += units;
    },
    give(id: string, tier: Tier, quantity: number, expiresAt: number | null): void {
      grants.push({ id, tier, quantity, used: 0, reserved: 0, revoked: 0, expiresAt });
    },
    /** @returns how many were taken back now */
    revoke(id: string, wanted: number | 'all', now: number): number {
      const grant = grants.find((each) => each.id === id);
      if (grant === undefined) throw new Error('no such credits');
      const left = leftOf(grant);
      const taken = wanted === 'all' ? left : Math.max(0, Math.min(left, wanted - grant.revoked));
      grant.revoked += taken;
      if (wanted === 'all') grant.expiresAt = Math.min(grant.expiresAt ?? now, now);
      return taken;
    },
    /** @returns of how many grants what was left is written off */
    expire(now: number): number {
      const isOver = (grant: ModelGrant) =>
        grant.expiresAt !== null && grant.expiresAt <= now && grant.reserved === 0 && leftOf(grant) > 0;
      const over = grants.filter(isOver);
      for (const grant of over) grant.revoked += leftOf(grant);
      return over.length;
    },
    /** Of the period that is under way too: what is used stays. */
    changeLimits(next: Counts, now: Date): void {
      periodOf(now).limits = next;
      limits = next;
    },
  };
}
