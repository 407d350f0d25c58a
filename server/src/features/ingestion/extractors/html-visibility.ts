import type { DomElement } from './dom.js';
import { type Declarations, type StyleRules, parseDeclarations } from './html-style-rules.js';

/** Further left or up than this no window reaches. */
const OFF_SCREEN_PIXELS = -999;
const OFF_SCREEN_EM = -60;
/** Text as large as this is a speck. */
const SPECK_PIXELS = 1;

const FOR_SCREEN_READERS =
  /(?:^|\s)(?:sr-only|visually-?hidden|screen-reader-text|screen-reader-only|element-invisible|u-visually-hidden)(?:\s|$)/i;
/** Panels that a script folds and unfolds: text that visitors do read. */
const PANEL_ROLES = new Set(['tabpanel', 'region']);
const COLOR_NAMES: Readonly<Record<string, string>> = { white: '#ffffff', black: '#000000', red: '#ff0000' };

/** How an element is shown, as far as the page itself says; `background` is null where it does not say. */
export interface Visibility {
  isHidden: boolean;
  /** Its text is too small to see, though elements inside may be larger; null: as around it. */
  isSpeck: boolean | null;
  background: string | null;
}

const VISIBLE: Visibility = { isHidden: false, isSpeck: null, background: null };
const HIDDEN: Visibility = { isHidden: true, isSpeck: null, background: null };

/** Whether the page keeps an element from its visitors, by attributes, by its own style or by a rule of the page's. */
export function visibilityOf(element: DomElement, rules: StyleRules, background: string | null): Visibility {
  const { localName } = element;
  // What is hidden as a whole is shown by a script once it is loaded.
  if (localName === 'html' || localName === 'body') return VISIBLE;
  const classNames = element.hasAttribute('class') ? (element.getAttribute('class') ?? '') : '';
  if (isHiddenByAttribute(element) || FOR_SCREEN_READERS.test(classNames)) return HIDDEN;
  const id = element.getAttribute('id') ?? '';
  const ofRules = rules.declarationsFor(localName, id, classNames);
  const style = element.getAttribute('style');
  if (ofRules === null && style === null) {
    const mayBeStyled = classNames !== '' || id !== '';
    return mayBeStyled ? { isHidden: false, isSpeck: false, background: null } : { ...VISIBLE, background };
  }
  const declarations: Declarations = new Map([...(ofRules ?? []), ...parseDeclarations(style ?? '')]);
  const visibility = visibilityBy(declarations, classNames === '' && id === '' ? background : null);
  const isReadAloud = visibility.isHidden && declarations.get('display') !== 'none' && isFormula(element);
  return isReadAloud ? VISIBLE : visibility;
}

/** Formulas are drawn as glyphs without text, beside markup with the text that is clipped away. */
function isFormula(element: DomElement): boolean {
  return element.firstElementChild?.localName === 'math';
}

function isHiddenByAttribute(element: DomElement): boolean {
  const hidden = element.getAttribute('hidden');
  // `until-found` folds text that a search in the page finds.
  if (hidden !== null && hidden !== 'until-found') return true;
  if (element.localName === 'dialog' && !element.hasAttribute('open')) return true;
  const isUnsaid = element.getAttribute('aria-hidden')?.toLowerCase() === 'true';
  return isUnsaid && !PANEL_ROLES.has(element.getAttribute('role') ?? '');
}

function visibilityBy(declarations: Declarations, inherited: string | null): Visibility {
  const value = (property: string) => declarations.get(property) ?? '';
  const own = colorOf(value('background-color')) ?? colorOf(value('background'));
  const background = own ?? inherited;
  const color = colorOf(value('color'));
  const isUnseen = value('display') === 'none' || /^(?:hidden|collapse)$/.test(value('visibility'));
  // What moves into view is content that a script shows.
  const isMoving = ['transition', 'animation', 'animation-name'].some(
    (property) => !['', 'none'].includes(value(property)),
  );
  const isHidden =
    isUnseen ||
    (color !== null && color === background) ||
    (!isMoving && (isTransparent(value('opacity')) || isAway(value) || isClipped(value)));
  const fontSize = value('font-size');
  return { isHidden, isSpeck: fontSize === '' ? null : isSpeckSize(fontSize), background };
}

function isTransparent(opacity: string): boolean {
  return opacity !== '' && Number.parseFloat(opacity) === 0;
}

function isAway(value: (property: string) => string): boolean {
  const isOut = (property: string) => isOffScreen(value(property));
  if (isOut('text-indent') || isOut('margin-left')) return true;
  const isPlaced = value('position') === 'absolute' || value('position') === 'fixed';
  return isPlaced && ['left', 'top', 'right', 'bottom'].some(isOut);
}

function isOffScreen(length: string): boolean {
  const number = Number.parseFloat(length);
  return number <= (/r?em$/.test(length) ? OFF_SCREEN_EM : OFF_SCREEN_PIXELS);
}

function isClipped(value: (property: string) => string): boolean {
  const isNarrow = isSpeckSize(value('width')) || isSpeckSize(value('height'));
  if (isNarrow && /^(?:hidden|clip)\b/.test(value('overflow'))) return true;
  if (/^rect\(\s*[01](?:px)?[\s,]+[01](?:px)?[\s,]+[01](?:px)?[\s,]+[01](?:px)?\s*\)/.test(value('clip')))
    return true;
  if (/^(?:inset\(\s*(?:50|100)%|circle\(\s*0)/.test(value('clip-path'))) return true;
  return /\bscale\(\s*0\s*\)/.test(value('transform'));
}

/** No more than a pixel, or nothing in any unit. */
function isSpeckSize(length: string): boolean {
  const number = Number.parseFloat(length);
  return number === 0 || (number <= SPECK_PIXELS && length.endsWith('px'));
}

/** A plain colour in one form, or null for what is none. */
function colorOf(text: string): string | null {
  const name = text.split(/\s+/, 1)[0] ?? '';
  if (/^#[\da-f]{6}$/.test(name)) return name;
  if (/^#[\da-f]{3}$/.test(name)) return name.replace(/[\da-f]/g, '$&$&');
  const channels = /^rgb\((\d{1,3})[,\s]+(\d{1,3})[,\s]+(\d{1,3})\)/.exec(text);
  if (channels === null) return COLOR_NAMES[name] ?? null;
  return `#${channels
    .slice(1)
    .map((channel) => Number(channel).toString(16).padStart(2, '0'))
    .join('')}`;
}
