/** What a mail says; `renderMail` gives it its two forms. */
export interface MailContent {
  /** One line. */
  subject: string;
  /** Plain text, a paragraph each. */
  paragraphs: string[];
  /** The one thing to do. */
  action?: { label: string; url: string };
  /** Said last and small: why this mail came, and what to do if it should not have. */
  footnote: string;
}

/** Renders a mail as text and as HTML; what is put in is text, and never markup. */
export function renderMail(content: MailContent): { subject: string; text: string; html: string } {
  const { paragraphs, action, footnote } = content;
  const subject = oneLine(content.subject);
  const text = [
    ...paragraphs,
    ...(action === undefined ? [] : [`${action.label}:\n${action.url}`]),
    `--\n${footnote}`,
  ].join('\n\n');
  return { subject, text: `${text}\n`, html: htmlOf({ ...content, subject }) };
}

/** Inline styles and a table: what mail programs understand. Light and dark follow the program. */
function htmlOf({ subject, paragraphs, action, footnote }: MailContent): string {
  const body = paragraphs.map((paragraph) => `<p style="margin:0 0 16px">${escapeHtml(paragraph)}</p>`);
  const button =
    action === undefined
      ? ''
      : `<p style="margin:24px 0"><a href="${escapeHtml(action.url)}" style="display:inline-block;padding:12px 20px;border-radius:8px;background:#1d4ed8;color:#ffffff;text-decoration:none;font-weight:600">${escapeHtml(action.label)}</a></p>
<p style="margin:0 0 16px;font-size:13px;color:#6b7280">If the button does not work, open this address:<br><span style="word-break:break-all">${escapeHtml(action.url)}</span></p>`;
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>${escapeHtml(subject)}</title></head>
<body style="margin:0;padding:32px 16px;font:16px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif">
<table role="presentation" align="center" width="100%" style="max-width:520px;margin:0 auto;border-collapse:collapse"><tr><td>
<h1 style="margin:0 0 20px;font-size:20px;line-height:1.3">${escapeHtml(subject)}</h1>
${body.join('\n')}
${button}
<hr style="border:0;border-top:1px solid #d1d5db;margin:24px 0 16px">
<p style="margin:0;font-size:13px;color:#6b7280">${escapeHtml(footnote)}</p>
</td></tr></table>
</body>
</html>
`;
}

/** A subject with a line break would be another header. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim();
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
