/** More than any page holds of its own; what follows is not read. */
const MAX_STYLE_CHARACTERS = 200_000;
const MAX_RULES = 2_000;
/** Of one class, id or tag, and classes of one element: both are looked through for each element. */
const MAX_RULES_OF_A_KEY = 100;
const MAX_CLASSES = 100;
/** Of one simple selector: `div.card.is-open`. */
const MAX_SELECTOR_CHARACTERS = 100;

/** Property to value, in lower case, without `!important`. */
export type Declarations = Map<string, string>;

interface StyleRule {
  tag: string | null;
  id: string | null;
  classes: string[];
  declarations: Declarations;
  /** Its weight against other rules (CSS Selectors 3, 9). */
  specificity: number;
}

export interface StyleRules {
  /** What the rules say of an element together; null when none is about it. */
  declarationsFor(tag: string, id: string, classNames: string): Declarations | null;
}

/** What can hide text: all else in a style sheet is passed over. */
const PROPERTIES = new Set(
  (
    'display visibility opacity font-size width height overflow position left top right bottom text-indent ' +
    'margin-left clip clip-path transform transition animation animation-name color background background-color'
  ).split(' '),
);

/**
 * Reads the style sheets of a page as far as they can hide its elements: rules for one element by its tag, id and
 * classes. Rules that depend on surroundings, on the window or on the visitor are passed over.
 */
export function parseStyleRules(sheets: readonly string[]): StyleRules {
  const rules: StyleRule[] = [];
  let rest = MAX_STYLE_CHARACTERS;
  for (const sheet of sheets) {
    readSheet(withoutComments(sheet.slice(0, rest)), rules);
    rest -= Math.min(rest, sheet.length);
  }
  const byKey = groupByKey(rules);
  return {
    declarationsFor(tag, id, classNames) {
      if (byKey.size === 0) return null;
      const classes = classNames === '' ? [] : classNames.split(/\s+/, MAX_CLASSES);
      const found = [tag, `#${id}`, ...classes.map((name) => `.${name}`)]
        .flatMap((key) => byKey.get(key) ?? [])
        .filter((rule) => rule.tag === null || rule.tag === tag)
        .filter((rule) => rule.id === null || rule.id === id)
        .filter((rule) => rule.classes.every((name) => classes.includes(name)));
      return found.length === 0 ? null : merged(found);
    },
  };
}

/** The declarations of a `style` attribute or of the block of a rule that could hide text. */
export function parseDeclarations(text: string): Declarations {
  const declarations: Declarations = new Map();
  for (const declaration of text.split(';')) {
    const colon = declaration.indexOf(':');
    const property = declaration.slice(0, Math.max(colon, 0)).trim().toLowerCase();
    if (!PROPERTIES.has(property)) continue;
    const value = declaration
      .slice(colon + 1)
      .toLowerCase()
      .replace('!important', '')
      .trim();
    declarations.set(property, value);
  }
  return declarations;
}

function withoutComments(sheet: string): string {
  const parts: string[] = [];
  let position = 0;
  while (position < sheet.length) {
    const start = sheet.indexOf('/*', position);
    parts.push(sheet.slice(position, start === -1 ? undefined : start));
    const end = start === -1 ? -1 : sheet.indexOf('*/', start + 2);
    position = end === -1 ? sheet.length : end + 2;
  }
  return parts.join(' ');
}

function readSheet(sheet: string, rules: StyleRule[]): void {
  let position = 0;
  while (rules.length < MAX_RULES) {
    const open = sheet.indexOf('{', position);
    if (open === -1) return;
    // A statement without a block, such as `@import`, ends where the next rule begins.
    const prelude = sheet.slice(position, open).split(';').at(-1)?.trim() ?? '';
    if (/^@media\s+(?:screen|all)$/i.test(prelude)) {
      position = open + 1;
      continue;
    }
    const close = prelude.startsWith('@') ? endOfBlock(sheet, open) : sheet.indexOf('}', open);
    if (close === -1) return;
    if (!prelude.startsWith('@')) addRules(prelude, sheet.slice(open + 1, close), rules);
    position = close + 1;
  }
}

function endOfBlock(sheet: string, open: number): number {
  let depth = 0;
  for (let position = open; position < sheet.length; position += 1) {
    if (sheet[position] === '{') depth += 1;
    else if (sheet[position] === '}' && --depth === 0) return position;
  }
  return -1;
}

function addRules(prelude: string, block: string, rules: StyleRule[]): void {
  const declarations = parseDeclarations(block);
  if (declarations.size === 0) return;
  for (const selector of prelude.replaceAll('}', '').split(',')) {
    const rule = rules.length < MAX_RULES ? ruleOrNull(selector.trim(), declarations) : null;
    if (rule !== null) rules.push(rule);
  }
}

function ruleOrNull(selector: string, declarations: Declarations): StyleRule | null {
  if (selector.length > MAX_SELECTOR_CHARACTERS || !/^(?:[a-z][a-z\d-]*)?(?:[.#][\w-]+)*$/i.test(selector))
    return null;
  const [tag, ...names] = selector.split(/(?=[.#])/);
  const hasTag = tag !== undefined && /^[a-z]/i.test(tag);
  const parts = hasTag ? names : [tag ?? '', ...names];
  const classes = parts.filter((part) => part.startsWith('.')).map((part) => part.slice(1));
  const ids = parts.filter((part) => part.startsWith('#')).map((part) => part.slice(1));
  if (!hasTag && classes.length + ids.length === 0) return null;
  return {
    tag: hasTag ? tag.toLowerCase() : null,
    id: ids[0] ?? null,
    classes,
    declarations,
    specificity: ids.length * 10_000 + classes.length * 100 + (hasTag ? 1 : 0),
  };
}

function groupByKey(rules: readonly StyleRule[]): Map<string, StyleRule[]> {
  const byKey = new Map<string, StyleRule[]>();
  for (const rule of rules) {
    const className = rule.classes[0];
    const key =
      rule.id !== null ? `#${rule.id}` : className !== undefined ? `.${className}` : (rule.tag ?? '');
    const known = byKey.get(key);
    if (known === undefined) byKey.set(key, [rule]);
    else if (known.length < MAX_RULES_OF_A_KEY) known.push(rule);
  }
  return byKey;
}

/** The heavier rule wins, and of equals the later one. */
function merged(rules: readonly StyleRule[]): Declarations {
  const ordered = rules.toSorted((one, other) => one.specificity - other.specificity);
  return new Map(ordered.flatMap((rule) => [...rule.declarations]));
}
