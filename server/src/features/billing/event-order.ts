/** What is known of a subscription, and from where. Of one second, what is named later here is the newer. */
const KINDS = ['bought', 'read', 'created', 'updated', 'deleted'] as const;
type Kind = (typeof KINDS)[number];

/** Tells apart what happened in one second, which is as exact as events are: the same way in whatever order they come. */
export function orderOf(kind: Kind, eventId = ''): string {
  return `${KINDS.indexOf(kind)}:${eventId}`;
}

interface Moment {
  at: Date;
  order: string;
}

/** What was read is newer than all that was told of its second before; what is told of it afterwards is newer still. */
export function isLater(one: Moment, other: Moment): boolean {
  const difference = one.at.getTime() - other.at.getTime();
  if (difference !== 0) return difference > 0;
  return one.order > other.order || one.order === orderOf('read');
}
