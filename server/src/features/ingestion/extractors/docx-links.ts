const LINK = /<a href="((?:https?|mailto):[^"]*)"[^>]*>(.*?)<\/a>/gs;

/**
 * Writes the addresses of links into the text of a Word document's HTML, as Markdown does: a manual that says
 * "see here" means the address. Links within the document stay plain text.
 */
export function withLinkTargets(html: string): string {
  return html.replace(LINK, (_link, address: string, text: string) => {
    const words = text.replace(/<[^>]*>/g, '').trim();
    const bare = address.replace(/^(?:https?:\/\/|mailto:)/, '').replace(/\/$/, '');
    if (words === '' || words.includes(bare)) return text;
    return `[${text.trim()}](${address.replaceAll('(', '%28').replaceAll(')', '%29').replace(/\s/g, '%20')})`;
  });
}
