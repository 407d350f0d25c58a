/** What an answer may point to. */
export interface LinkPolicy {
  allowsLink: (destination: string) => boolean;
  /** Stricter than for links: a client fetches an image without being asked. */
  allowsImage: (destination: string) => boolean;
  allowsAddress: (email: string) => boolean;
}

export interface LinkSources {
  /** Hosts of the project's own: links and images may point to them. */
  ownHosts: readonly string[];
  /** Where the sources were read; links may point to their hosts. */
  urls: readonly (string | null)[];
  /** Texts of the sources and of the owner; links that stand in them may be repeated as they are. */
  texts: readonly string[];
}

const BARE = /\b(?:https?|ftp):\/\/[^\s<>"'`\\|]+/giu;
const DESTINATION = /\]\(\s*<?([^\s<>()]*(?:\([^\s<>()]*\)[^\s<>()]*)*)/gu;
const HREF = /\b(?:href|src)\s*=\s*["']?([^\s"'<>]+)/giu;
const DEFINITION = /^ {0,3}\[[^\]\n]+\]:\s*<?([^\s<>]+)/gmu;
const ADDRESS = /[\w.+-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+/gu;
const END_MARKS = /[?!.,:;*_~'")\]}]+$/u;

/** What no honest address holds: it is read in one way here and in another by a browser. */
const AMBIGUOUS = /[\\\s\p{Cc}\p{Cf}]|&(?!amp;)#?\w+;/u;
/** Where links without a host lead is known to the page that shows them. */
const RELATIVE_BASE = 'https://relative.invalid/';
const HTTP = /^https?:$/u;

export function createLinkPolicy({ ownHosts, urls, texts }: LinkSources): LinkPolicy {
  const own = new Set(ownHosts.map((host) => plainHost(host.toLowerCase())));
  const hosts = new Set(own);
  for (const url of urls) {
    const parsed = url === null ? null : parse(url);
    if (parsed !== null && HTTP.test(parsed.protocol)) hosts.add(plainHost(parsed.host));
  }
  let known: { links: Set<string>; addresses: Set<string> } | null = null;
  // Most answers hold no link: the texts are looked through at the first.
  const written = () => (known ??= collect(texts));

  return {
    allowsLink: (destination) => {
      const url = parse(destination);
      if (url === null) return false;
      if (HTTP.test(url.protocol) && hosts.has(plainHost(url.host)) && url.username === '') return true;
      if (url.protocol === 'mailto:')
        return written().addresses.has(url.pathname.toLowerCase()) && url.search === '';
      return LINKABLE.has(url.protocol) && written().links.has(url.href);
    },
    allowsImage: (destination) => {
      const url = parse(destination);
      return url !== null && HTTP.test(url.protocol) && own.has(plainHost(url.host)) && url.username === '';
    },
    allowsAddress: (email) => {
      const address = email.toLowerCase();
      return own.has(plainHost(address.slice(address.indexOf('@') + 1))) || written().addresses.has(address);
    },
  };
}

const LINKABLE = new Set(['http:', 'https:', 'ftp:', 'tel:']);

function parse(destination: string): URL | null {
  if (AMBIGUOUS.test(destination)) return null;
  const withScheme = /^www\./iu.test(destination) ? `https://${destination}` : destination;
  try {
    return new URL(withScheme.replaceAll('&amp;', '&'), RELATIVE_BASE);
  } catch {
    return null;
  }
}

function plainHost(host: string): string {
  return host.replace(/^www\./u, '');
}

function collect(texts: readonly string[]): { links: Set<string>; addresses: Set<string> } {
  const links = new Set<string>();
  const addresses = new Set<string>();
  for (const text of texts) {
    for (const [address] of text.matchAll(ADDRESS)) addresses.add(address.toLowerCase());
    for (const [bare] of text.matchAll(BARE)) {
      for (const link of [bare, bare.replace(END_MARKS, '')]) addLink(links, link);
    }
    for (const pattern of [DESTINATION, HREF, DEFINITION]) {
      for (const [, link = ''] of text.matchAll(pattern)) if (link !== '') addLink(links, link);
    }
  }
  return { links, addresses };
}

function addLink(links: Set<string>, link: string): void {
  const url = parse(link);
  if (url !== null) links.add(url.href);
}
