import { type PageBlock, splitBlocks } from './page-blocks.js';

export interface BoilerplateInput {
  /** Normalised Markdown. */
  content: string;
  title: string | null;
  /** Hashes of the blocks that recur over the site. */
  boilerplate: ReadonlySet<string>;
}

/**
 * Leaves out the blocks that recur over a site. Code stays, and tables stay or go as a whole; the page's own headline
 * stays. Headings go with the last block below them, and a heading that many pages share stays above what is new.
 */
export function dropBoilerplate({ content, title, boilerplate }: BoilerplateInput): {
  content: string;
  /** The hashes of all blocks, before any was left out. */
  hashes: string[];
} {
  const blocks = splitBlocks(content);
  const hashes = blocks.map((block) => block.hash);
  if (!hashes.some((hash) => boilerplate.has(hash))) return { content, hashes };
  const headline = headlineOf(blocks, content, title);
  const isDropped = blocks.map((block) => block.kind !== 'code' && boilerplate.has(block.hash));
  keepTablesWhole(blocks, isDropped);
  dropBareHeadings({ blocks, isDropped, boilerplate, headline });
  return { content: joinKept(content, blocks, isDropped), hashes };
}

/** The heading that repeats the title, else the first one. */
function headlineOf(
  blocks: readonly PageBlock[],
  content: string,
  title: string | null,
): PageBlock | undefined {
  const headings = blocks.filter((block) => block.kind === 'heading');
  const textOf = ({ start, end }: PageBlock) => content.slice(start, end).replace(/^#+\s*/, '');
  return headings.find((block) => textOf(block) === title) ?? headings[0];
}

function keepTablesWhole(blocks: readonly PageBlock[], isDropped: boolean[]): void {
  let first = 0;
  while (first < blocks.length) {
    let end = first;
    while (blocks[end]?.kind === 'tableRow') end += 1;
    if (!isDropped.slice(first, end).every(Boolean)) isDropped.fill(false, first, end);
    first = Math.max(end, first + 1);
  }
}

interface HeadingInput {
  blocks: readonly PageBlock[];
  isDropped: boolean[];
  boilerplate: ReadonlySet<string>;
  headline: PageBlock | undefined;
}

function dropBareHeadings({ blocks, isDropped, boilerplate, headline }: HeadingInput): void {
  const firstKept = blocks.findIndex((block, index) => !isDropped[index] || block === headline);
  /** Whether something stays, and something goes, below a heading of each level; filled from the end of the page. */
  let keptBelow = 0;
  let droppedBelow = 0;
  const open: { level: number; kept: number; dropped: number }[] = [];
  for (let index = blocks.length - 1; index >= 0; index -= 1) {
    const block = blocks[index]!;
    if (block.kind !== 'heading') {
      if (isDropped[index]) droppedBelow += 1;
      else keptBelow += 1;
      continue;
    }
    // Sections of lower headings are part of this one.
    while ((open.at(-1)?.level ?? 0) > block.level) {
      const section = open.pop()!;
      keptBelow += section.kept;
      droppedBelow += section.dropped;
    }
    const isLeading = index < firstKept;
    const isBare = keptBelow === 0 && (droppedBelow > 0 || boilerplate.has(block.hash));
    isDropped[index] = block !== headline && (isBare || (isLeading && boilerplate.has(block.hash)));
    open.push({
      level: block.level,
      kept: keptBelow + (isDropped[index] ? 0 : 1),
      dropped: droppedBelow + (isDropped[index] ? 1 : 0),
    });
    keptBelow = 0;
    droppedBelow = 0;
  }
}

/** What stands between two blocks goes with the second one if it goes, so that the rest reads as it was written. */
function joinKept(content: string, blocks: readonly PageBlock[], isDropped: readonly boolean[]): string {
  const parts: string[] = [];
  let position = 0;
  for (const [index, block] of blocks.entries()) {
    if (!isDropped[index]) parts.push(content.slice(position, block.end));
    // The line under a table's head is part of no row.
    else if (blocks[index - 1]?.kind !== 'tableRow') parts.push('\n\n');
    position = block.end;
  }
  parts.push(content.slice(position));
  return parts
    .join('')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}
