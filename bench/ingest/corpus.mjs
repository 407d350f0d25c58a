// Made-up documentation, the same on every machine: articles with headings, paragraphs, lists, code and tables.

const linesOf = (text) => text.trim().split(/\n\s*/);
const wordsOf = (text) => text.trim().split(/\s+/);

const SUBJECTS = linesOf(`
  The scheduler
  Each worker
  The billing service
  An administrator
  The import job
  Your workspace
  The mobile client
  A webhook endpoint
  The access token
  The audit log
  The search index
  A shared folder
  The payment provider
  The export archive
  A support agent
  The retention policy
  The load balancer
  The customer record
  A read replica
  The invitation link
`);
const VERBS = wordsOf(`
  keeps rejects forwards encrypts compares replaces archives validates refreshes duplicates restores
  measures publishes schedules throttles signs
`);
const OBJECTS = linesOf(`
  every pending invoice
  the last known configuration
  records older than the retention period
  uploads from unverified accounts
  the checksum of each attachment
  requests without a session cookie
  the monthly usage report
  all messages in the queue
  the previous deployment
  contacts that were imported twice
  events from the staging environment
  the certificate of the custom domain
  orders that were never confirmed
  the list of trusted addresses
  translations that are out of date
  the quota of the parent organisation
`);
const CONDITIONS = linesOf(`
  when the connection drops
  before the nightly backup starts
  unless the feature is switched off
  as long as the licence is valid
  after three failed attempts
  if two people edit it at once
  once the owner has agreed
  while maintenance mode is on
  whenever the currency changes
  until somebody with the right role approves it
  because the upstream limit is lower
  even though the browser has cached it
`);
const WORDS = wordsOf(`
  access account agent alert archive backup batch billing branch bucket cache channel cluster column
  contact cursor device domain draft endpoint event export filter folder gateway group handler header
  image import invoice label ledger limit locale member metric mirror module notice order owner packet
  parcel policy portal prefix profile quota record region release replica report retry role schema
  session shard signal snapshot storage stream summary tenant ticket token topic trigger vault version
  volume widget window worker zone
`);

/** Numbers from 0 up to 1 (mulberry32). */
export function createRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const pick = (random, items) => items[Math.floor(random() * items.length)];
const between = (random, least, most) => least + Math.floor(random() * (most - least + 1));
const capital = (word) => word[0].toUpperCase() + word.slice(1);
/** Names such as `retryWindow`: some thousand of them, so that a vocabulary is not a few hundred words. */
const nameOf = (random) => `${pick(random, WORDS)}${capital(pick(random, WORDS))}`;
const phraseOf = (random) => `${pick(random, WORDS)} ${pick(random, WORDS)}`;

const SENTENCES = [
  (random) =>
    `${pick(random, SUBJECTS)} ${pick(random, VERBS)} ${pick(random, OBJECTS)} ${pick(random, CONDITIONS)}.`,
  (random) =>
    `Set \`${nameOf(random)}\` to ${between(random, 2, 9_000)} so that ${pick(random, SUBJECTS).toLowerCase()} ${pick(random, VERBS)} ${pick(random, OBJECTS)}.`,
  (random) =>
    `Error ${pick(random, WORDS).toUpperCase()}-${between(random, 100, 9_999)} means that the ${phraseOf(random)} was refused ${pick(random, CONDITIONS)}.`,
  (random) =>
    `By default the ${phraseOf(random)} takes ${between(random, 2, 90)} seconds, and ${pick(random, SUBJECTS).toLowerCase()} ${pick(random, VERBS)} ${pick(random, OBJECTS)}.`,
  (random) =>
    `Open **${capital(phraseOf(random))}** and choose the ${phraseOf(random)} that you want to change.`,
];

function paragraph(random) {
  const count = between(random, 3, 6);
  return Array.from({ length: count }, () => pick(random, SENTENCES)(random)).join(' ');
}

const BLOCKS = [
  ...Array.from({ length: 6 }, () => (random) => ({ type: 'paragraph', text: paragraph(random) })),
  (random) => ({
    type: 'list',
    items: Array.from({ length: between(random, 3, 6) }, () => pick(random, SENTENCES)(random)),
  }),
  (random) => ({
    type: 'code',
    text: Array.from(
      { length: between(random, 3, 8) },
      () => `${nameOf(random)}: ${between(random, 1, 5_000)}`,
    ).join('\n'),
  }),
  (random) => ({
    type: 'table',
    rows: [
      ['Setting', 'Default', 'Meaning'],
      ...Array.from({ length: between(random, 3, 6) }, () => [
        nameOf(random),
        `${between(random, 1, 500)}`,
        `What the ${phraseOf(random)} ${pick(random, VERBS)}`,
      ]),
    ],
  }),
];

const lengthOf = (block) => JSON.stringify(block).length;

/** An article of about as many characters: a title and blocks. */
export function writeArticle(random, characters) {
  const title = `${capital(phraseOf(random))} ${between(random, 100, 99_999)}`;
  const blocks = [{ type: 'paragraph', text: paragraph(random) }];
  let length = lengthOf(blocks[0]);
  for (let index = 1; length < characters; index += 1) {
    const heading = { type: 'heading', text: `${capital(phraseOf(random))} and ${phraseOf(random)}` };
    const block = index % 4 === 1 ? heading : pick(random, BLOCKS)(random);
    blocks.push(block);
    length += lengthOf(block);
  }
  return { title, blocks };
}

export function toMarkdown({ title, blocks }) {
  return `# ${title}\n\n${blocks.map(markdownOf).join('\n\n')}\n`;
}

function markdownOf(block) {
  switch (block.type) {
    case 'heading':
      return `## ${block.text}`;
    case 'list':
      return block.items.map((item) => `- ${item}`).join('\n');
    case 'code':
      return `\`\`\`yaml\n${block.text}\n\`\`\``;
    case 'table': {
      const [head, ...rows] = block.rows.map((row) => `| ${row.join(' | ')} |`);
      return [head, '| --- | --- | --- |', ...rows].join('\n');
    }
    default:
      return block.text;
  }
}

/** Markdown files of `bytes` together, none longer than three times the average. */
export function* writeFiles({ bytes, count, seed = 1 }) {
  const random = createRandom(seed);
  let left = bytes;
  for (let index = 0; index < count; index += 1) {
    const share = left / (count - index);
    // The last one is what is left over.
    const wanted = index === count - 1 ? left : Math.min(left, Math.round(share * (0.3 + 1.4 * random())));
    const text = toMarkdown(writeArticle(random, wanted * 1.05)).slice(0, wanted);
    left -= text.length;
    yield { name: `guide-${String(index + 1).padStart(4, '0')}.md`, text };
  }
}
