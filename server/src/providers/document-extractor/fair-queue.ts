export interface FairQueue<Item> {
  /** @returns what takes the item out again */
  push: (owner: string | null, item: Item) => () => void;
  shift: () => Item | undefined;
}

/** A queue that gives every owner with waiting items its turn: one item each, an owner's oldest first. */
export function createFairQueue<Item>(): FairQueue<Item> {
  // A map keeps its order of insertion: whoever has had a turn goes to its end.
  const waiting = new Map<string | null, Item[]>();

  return {
    push(owner, item) {
      const items = waiting.get(owner);
      if (items === undefined) waiting.set(owner, [item]);
      else items.push(item);
      return () => {
        const left = waiting.get(owner);
        const index = left?.indexOf(item) ?? -1;
        if (left === undefined || index === -1) return;
        left.splice(index, 1);
        if (left.length === 0) waiting.delete(owner);
      };
    },
    shift() {
      const turn = waiting.entries().next().value;
      if (turn === undefined) return undefined;
      const [owner, items] = turn;
      const item = items.shift();
      waiting.delete(owner);
      if (items.length > 0) waiting.set(owner, items);
      return item;
    },
  };
}
