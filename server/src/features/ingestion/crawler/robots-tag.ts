import { PRODUCT_TOKEN } from './read-robots.js';

/** Directives of `X-Robots-Tag` that begin with a word and a colon and yet name no crawler. */
const WITH_VALUE = /^(?:unavailable_after|max-snippet|max-image-preview|max-video-preview)$/i;

/** What the values of `X-Robots-Tag` say to us: each may name the crawler that it is for. */
export function readRobotsTags(values: readonly string[]): { isNoindex: boolean; isNofollow: boolean } {
  const directives = new Set(values.flatMap(directivesForUs));
  return {
    isNoindex: directives.has('noindex') || directives.has('none'),
    isNofollow: directives.has('nofollow') || directives.has('none'),
  };
}

function directivesForUs(value: string): string[] {
  const [, name = '', rest = ''] = /^\s*([\w-]+)\s*:(.*)$/s.exec(value) ?? [];
  const isAddressed = name !== '' && !WITH_VALUE.test(name);
  if (isAddressed && name.toLowerCase() !== PRODUCT_TOKEN.toLowerCase()) return [];
  return (isAddressed ? rest : value).split(',').map((directive) => directive.trim().toLowerCase());
}
