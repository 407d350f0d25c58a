const MIN_SAMPLED_PAGES = 5;
const MIN_PAGES_WITH_BLOCK = 3;

/**
 * The hashes of the blocks that are on more than half of the sampled pages: menus, footers and cookie notes. Needs five
 * pages, because on fewer a sentence that two articles share would look like a menu.
 *
 * @param pages for each sampled page the hashes of its blocks
 */
export function findRecurringBlocks(pages: string[][]): string[] {
  if (pages.length < MIN_SAMPLED_PAGES) return [];
  const counts = new Map<string, number>();
  for (const blocks of pages) {
    for (const block of new Set(blocks)) counts.set(block, (counts.get(block) ?? 0) + 1);
  }
  return [...counts]
    .filter(([, count]) => count >= MIN_PAGES_WITH_BLOCK && count > pages.length / 2)
    .map(([block]) => block);
}
