import { describe, expect, it } from 'vitest';

import { buildXlsx } from '#test/fixtures/build-xlsx.js';

import { extractDocument } from './extract-document.js';

const extract = (bytes: Uint8Array) => extractDocument(bytes, { fileName: 'a.xlsx', mediaType: null });

describe('Excel workbooks', () => {
  it('are read sheet by sheet, hidden sheets left out, each row with the names of its columns', async () => {
    const document = await extract(
      buildXlsx([
        {
          name: 'Prices &amp; plans',
          rows: [
            ['Plan', 'Price'],
            ['Free', 0],
            ['Pro', 20.5],
          ],
        },
        { name: 'Secret', state: 'hidden', rows: [['Margin', 'x']] },
        { name: 'Deeper', state: 'veryHidden', rows: [['Margin', 'x']] },
        {
          name: 'Staff',
          rows: [['Our people'], [], ['Name', '', 'City'], ['Anna', '', 'Berlin'], ['Bo', 'x', 'Rome']],
        },
      ]),
    );
    expect(document).toMatchObject({ title: null, format: 'markdown', pages: [] });
    expect(document.content).toBe(
      '# Prices & plans\n\n- Plan: Free; Price: 0\n- Plan: Pro; Price: 20.5\n\n' +
        '# Staff\n\nOur people\n\n- Name: Anna; City: Berlin\n- Name: Bo; x; City: Rome',
    );
  });

  it('show cells as Excel does: dates, times, percents, booleans, results of formulas', async () => {
    const stylesXml =
      '<numFmts><numFmt numFmtId="164" formatCode="dd/mm/yyyy\\ hh:mm"/><numFmt numFmtId="165" formatCode="0.0&quot;days&quot;"/>' +
      '<numFmt numFmtId="166" formatCode="[Red]0.0%"/><numFmt numFmtId="167" formatCode="[$-407]d. mmmm yyyy"/></numFmts>' +
      '<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs>' +
      [0, 14, 164, 165, 166, 21, 167].map((id) => `<xf numFmtId="${id}"/>`).join('') +
      '</cellXfs>';
    const cells = [
      '<c r="A1" s="1"><v>45352</v></c>',
      '<c r="B1" s="2"><v>45352.604166666664</v></c>',
      '<c r="C1" s="3"><v>3.5</v></c>',
      '<c r="D1" s="4"><v>0.255</v></c>',
      '<c r="E1" s="5"><v>0.25</v></c>',
      '<c r="F1" s="6"><v>36585</v></c>',
      '<c r="G1" t="b"><v>1</v></c>',
      '<c r="H1"><f>A1*2</f><v>0.30000000000000004</v></c>',
      '<c r="I1" t="str"><f>T(A1)</f><v>text of a formula</v></c>',
      '<c r="J1" t="inlineStr"><is><r><t>in</t></r><r><t>line</t></r><rPh><t>x</t></rPh></is></c>',
      '<c r="K1" t="e"><v>#REF!</v></c>',
      '<c r="L1" t="d"><v>2024-03-01T00:00:00</v></c>',
    ];
    expect((await extract(buildXlsx([{ name: 'A', rows: [cells] }], { stylesXml }))).content).toBe(
      '# A\n\n- 2024-03-01; 2024-03-01 14:30; 3.5; 25.5%; 06:00; 2000-02-29; TRUE; 0.3; text of a formula; inline; #REF!; 2024-03-01',
    );
  });

  it('count days from 1904 where they say so', async () => {
    const stylesXml = '<cellXfs><xf numFmtId="14"/></cellXfs>';
    const rows = [['<c r="A1" s="0"><v>43890</v></c>']];
    const bytes = buildXlsx([{ name: 'A', rows }], { stylesXml, isDate1904: true });
    expect((await extract(bytes)).content).toBe('# A\n\n- 2024-03-01');
  });

  it.each([
    ['no cells', buildXlsx([{ name: 'A', rows: [] }]), 'empty'],
    ['only a hidden sheet', buildXlsx([{ name: 'A', rows: [['x']], state: 'hidden' }]), 'empty'],
    ['broken XML', buildXlsx([], { parts: { 'xl/workbook.xml': '<workbook><sheets>' } }), 'malformed_file'],
    [
      'a cell beyond every sheet',
      buildXlsx([{ name: 'A', rows: [['<c r="ZZZ1"><v>1</v></c>']] }]),
      'malformed_file',
    ],
  ])('fail with a reason when they hold %s', async (_what, bytes, reason) => {
    await expect(extract(bytes)).rejects.toMatchObject({ name: 'SourceError', reason });
  });
});
