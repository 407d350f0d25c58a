import { describe, expect, it } from 'vitest';

import { extractDocument } from './extract-document.js';

const extract = (html: string | Buffer, mediaType = 'text/html') =>
  extractDocument(typeof html === 'string' ? Buffer.from(html) : html, { fileName: null, mediaType });
const page = (body: string, title = 'T') =>
  `<!doctype html><html><head><title>${title}</title></head><body>${body}</body></html>`;
const prose = 'Goods can be sent back within thirty days, and the money is returned within a week. '
  .repeat(8)
  .trim();

describe('web pages', () => {
  it('read as a visitor sees them: structure marked, everything else as its text', async () => {
    const { content } = await extract(
      page(`<main><h1>Refund <em>policy</em> <a href="#refund">#</a></h1>
        <p>Within <strong>30&nbsp;days</strong> of <a href="/x?a=b_c">buying_it</a> &amp; *not* later:<br>use <code>git reset</code>.</p>
        <ul><li>One<ul><li>Inner <b>one</b></li><li>Inner two</li></ul></li><li><p>Two</p></li></ul>
        <ol start="3"><li>Third<li>Fourth</ol>
        <blockquote>Quoted <i>text</i></blockquote><hr><img src="x" alt="picture">
        <pre><code class="language-js">const a = "\`\`\`";

  b(a);</code></pre>
        <dl><dt>Term</dt><dd>Meaning</dd></dl></main>`),
    );
    expect(content).toBe(
      '# Refund policy\n\nWithin 30 days of buying_it & *not* later:\nuse git reset.\n\n' +
        '- One\n  - Inner one\n  - Inner two\n- Two\n\n3. Third\n4. Fourth\n\nQuoted text\n\n' +
        '````js\nconst a = "```";\n\n  b(a);\n````\n\nTerm\n\nMeaning',
    );
  });

  it('keep data tables as tables, with spans, and the tables of a layout as text', async () => {
    const { content } = await extract(
      page(`<table><caption>Plans</caption><thead><tr><th>Plan</th><th colspan="2">Price</th></tr></thead>
        <tbody><tr><td rowspan="2">Pro<br>Team</td><td>$20</td><td><p>per month</p></td></tr>
        <tr><td>$200</td><td>a|b</td></tr></tbody></table>
        <table><tr><td><h2>Left</h2></td><td>right</td></tr><tr><td>a</td><td>b</td></tr></table>`),
    );
    expect(content).toBe(
      'Plans\n\n| Plan | Price |  |\n| --- | --- | --- |\n| Pro Team | $20 | per month |\n' +
        '| Pro Team | $200 | a\\|b |\n\n## Left\n\nright\n\na\n\nb',
    );
  });

  it('leave out what is hidden and what surrounds the content', async () => {
    const { content, title } = await extract(
      page(
        `<header><nav><a href="/">Home</a></nav>Acme</header><div class="cookie-banner">We use cookies</div>
        <article><header><h1>Refunds</h1></header><p>${prose}</p>
        <p hidden>hidden 1</p><p style="color:red; display : none">hidden 2</p><p aria-hidden="true">hidden 3</p>
        <template>hidden 4</template><noscript>hidden 5</noscript><script>hidden6()</script><style>hidden 7</style>
        <svg><title>hidden 8</title></svg><!-- hidden 9 --><span class="sr-only">hidden 10</span></article>
        <form><label>Newsletter</label><input value="hidden 11"><button>Go</button></form>
        <footer>Imprint</footer>`,
        'Refunds | Acme',
      ),
    );
    expect(content).toBe(`# Refunds\n\n${prose}`);
    expect(title).toBe('Refunds');
  });

  it('keep all of a page that is no article: the questions of a FAQ, forms that wrap the page', async () => {
    const questions = Array.from(
      { length: 4 },
      (_, index) => `<h3><button>Question ${index}?</button></h3><div>Answer ${index}.</div>`,
    );
    const { content } = await extract(
      page(
        `<form action="/"><h1>Help</h1><b style="display:none">hidden</b>${questions.join('')}</form><footer>Imprint</footer>`,
      ),
    );
    const answers = Array.from({ length: 4 }, (_, index) => `### Question ${index}?\n\nAnswer ${index}.`);
    expect(content).toBe(`# Help\n\n${answers.join('\n\n')}`);
  });

  it.each([
    ['Refunds - Acme', 'Refunds', 'Refunds'],
    ['The long story of one refund - Acme', 'Acme', 'The long story of one refund - Acme'],
    ['Acme', 'Refunds', 'Acme'],
    ['', 'Refunds', 'Refunds'],
  ])('titled %j with the headline %j have the title %j', async (titleText, headline, title) => {
    expect((await extract(page(`<h1>${headline}</h1><p>x</p>`, titleText))).title).toBe(title);
  });

  it.each([
    ['declared in the header', Buffer.from('<p>f\xfcr</p>', 'latin1'), 'text/html; charset=ISO-8859-1'],
    [
      'declared in the markup',
      Buffer.from('<meta charset="windows-1252"><p>f\xfcr</p>', 'latin1'),
      'text/html',
    ],
    [
      'declared the old way',
      Buffer.from(
        '<meta http-equiv="content-type" content="text/html; charset=latin1"><p>f\xfcr</p>',
        'latin1',
      ),
      'text/html',
    ],
    [
      'declared in XML',
      Buffer.from('<?xml version="1.0" encoding="iso-8859-1"?><html><p>f\xfcr</p></html>', 'latin1'),
      'text/html',
    ],
    ['marked', Buffer.from('\ufeff<meta charset="utf-8"><p>für</p>', 'utf16le'), 'text/html'],
    ['not declared', Buffer.from('<p>für</p>'), 'text/html'],
    ['not declared and not UTF-8', Buffer.from('<p>f\xfcr</p>', 'latin1'), 'text/html'],
    ['declared wrongly', Buffer.from('<meta charset="utf-16"><p>für</p>'), 'text/html'],
  ])('read a charset that is %s', async (_how, html, mediaType) => {
    expect((await extract(html, mediaType)).content).toBe('für');
  });

  it('fail with a reason when scripts draw them, and when they nest without end', async () => {
    await expect(extract(page('<div id="root"></div><script>draw()</script>'))).rejects.toMatchObject({
      reason: 'empty',
    });
    const nested = extract(`<html>${'<div>'.repeat(5_000)}x`);
    await expect(nested).rejects.toMatchObject({ name: 'SourceError', reason: 'malformed_file' });
  });

  it('read old pages that leave their formatting open by the hundred', async () => {
    const { content } = await extract(page('<p><font size=2>text <b>'.repeat(400)));
    expect(content).toBe(Array.from({ length: 400 }, () => 'text').join('\n\n'));
  });

  it('read fragments without a body', async () => {
    expect((await extract('<title>T</title><h1>Head</h1><p>a<p>b')).content).toBe('# Head\n\na\n\nb');
  });
});
