import { describe, expect, it } from 'vitest';

import { buildPptx, pptxShape, pptxTable } from '#test/fixtures/build-pptx.js';

import { extractDocument } from './extract-document.js';

const extract = (bytes: Uint8Array) => extractDocument(bytes, { fileName: 'a.pptx', mediaType: null });

describe('PowerPoint presentations', () => {
  it('are read slide by slide: title, lists, tables, notes; hidden slides and furniture left out', async () => {
    const document = await extract(
      buildPptx([
        {
          shapes:
            pptxShape(['Points', 'first', ' inner', 'second'], 'body') + pptxShape(['Our plan'], 'ctrTitle'),
        },
        { shapes: pptxShape(['Secret']), isHidden: true },
        {
          shapes:
            pptxShape(['Prices'], 'title') +
            pptxTable([
              ['Plan', 'Price'],
              ['Pro | Team', '20'],
            ]) +
            pptxShape(['3'], 'sldNum'),
          notes: 'Say it slowly.',
        },
      ]),
    );
    expect(document).toMatchObject({ title: 'Our plan', format: 'markdown' });
    expect(document.content).toBe(
      '# Our plan\n\n- Points\n- first\n  - inner\n- second\n\n' +
        '# Prices\n\n| Plan | Price |\n| --- | --- |\n| Pro \\| Team | 20 |\n\nNotes: Say it slowly.',
    );
    expect(document.pages).toEqual([
      { page: 1, start: 0 },
      { page: 3, start: document.content.indexOf('# Prices') },
    ]);
  });

  it('say once what they hold a second time for older programs, and join broken runs', async () => {
    const shapes =
      '<p:sp><p:txBody><a:p><a:r><a:t>one </a:t></a:r><a:r><a:t>word</a:t></a:r><a:br/><a:fld><a:t>two</a:t></a:fld></a:p></p:txBody></p:sp>' +
      `<mc:AlternateContent xmlns:mc="x"><mc:Choice>${pptxShape(['new'])}</mc:Choice><mc:Fallback>${pptxShape(['old'])}</mc:Fallback></mc:AlternateContent>`;
    expect((await extract(buildPptx([{ shapes }]))).content).toBe('one word two\n\nnew');
  });

  it.each([
    ['no text', buildPptx([{ shapes: '' }]), 'empty'],
    ['broken XML', buildPptx([{ shapes: '<p:sp>' }]), 'malformed_file'],
  ])('fail with a reason when they hold %s', async (_what, bytes, reason) => {
    await expect(extract(bytes)).rejects.toMatchObject({ name: 'SourceError', reason });
  });
});
