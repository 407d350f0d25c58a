import type { ExtractedText } from '#platform/ports/document-extractor.js';

// The joiners shape Arabic and Indic words and emoji, so they stay after those; elsewhere they only hide text.
const STRAY_JOINERS =
  /(?<![\p{Script=Arabic}\p{Script=Syriac}\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Gujarati}\p{Script=Gurmukhi}\p{Script=Kannada}\p{Script=Malayalam}\p{Script=Sinhala}\p{Script=Tamil}\p{Script=Telugu}\p{Script=Mongolian}\p{M}\p{Extended_Pictographic}\p{Emoji_Modifier}])[\u200c\u200d]+/gu;
// Soft hyphen, zero-width space, direction marks, word joiner, BOM, tag characters, interlinear anchors.
const INVISIBLE =
  // oxlint-disable-next-line no-misleading-character-class
  /[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;
const CONTROL = /[\u0000-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f]/g;
const NONCHARACTERS = /[\p{Surrogate}\u{fffe}\u{ffff}\u{fdd0}-\u{fdef}]/gu;
/** No script stacks more marks on a letter, and normalising takes time by the square of them (UAX #15, 13). */
const EXCESS_MARKS = /(\p{M}{30})\p{M}+/gu;
const LINE_BREAKS = /\r\n|[\r\v\f\u0085\u2028\u2029]/g;
const WIDE_BLANKS = /[\u00a0\u2000-\u200a\u202f\u205f]/g;
const FENCE = /^ {0,3}(`{3,}|~{3,})/;

/**
 * The one form in which text is stored, embedded and cited: NFC, line feeds only, nothing invisible, no blanks
 * at line ends, no more than one empty line in a row. Running it twice changes nothing.
 */
export function normalizeText(text: string, format: ExtractedText['format']): string {
  const visible = text
    .replace(LINE_BREAKS, '\n')
    .replace(NONCHARACTERS, '')
    .replace(CONTROL, '')
    .replace(INVISIBLE, '')
    .replace(STRAY_JOINERS, '')
    .replace(EXCESS_MARKS, '$1')
    .normalize('NFC');
  const lines = visible.split('\n');
  let openFence: string | null = null;
  for (const [index, line] of lines.entries()) {
    const fence: string | undefined = format === 'markdown' ? FENCE.exec(line)?.[1] : undefined;
    const isCode = openFence !== null;
    if (openFence === null) openFence = fence ?? null;
    else if (fence !== undefined && closesFence(line, fence, openFence)) openFence = null;
    lines[index] = (isCode ? line : spaced(line)).trimEnd();
  }
  return lines
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .replace(/^\n+/, '')
    .trimEnd();
}

/** A fence is closed by the same mark, at least as long, with nothing after it (CommonMark 0.31, 4.5). */
function closesFence(line: string, fence: string, openFence: string): boolean {
  return fence.startsWith(openFence) && line.trim() === fence;
}

function spaced(line: string): string {
  return line
    .replace(WIDE_BLANKS, ' ')
    .replace(/^[ \t]*\t[ \t]*/, (indent) => indent.replaceAll('\t', '    '))
    .replaceAll('\t', ' ');
}
