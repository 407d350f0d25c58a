import { parse } from 'csv-parse/sync';
import { AppError, type FieldError } from '#kernel/app-error.js';
import { isId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { readInProject } from '#platform/transaction.js';
import { addTestCases } from './add-test-cases.js';
import { type TestCaseRow, listNamedSources } from './test-cases.queries.js';
import { type TestCaseInput, testCaseBody } from './test-sets.schemas.js';

const COLUMNS = ['question', 'expectation', 'expected_source', 'expected_text'] as const;
const REQUIRED_COLUMNS = ['question', 'expectation'];
const DELIMITERS = [',', ';', '\t'];
const MAX_FAULTS_TOLD = 20;

interface Row {
  /** As a spreadsheet counts: the header is row 1. */
  number: number;
  cells: Partial<Record<string, string>>;
}

/**
 * Adds the rows of a CSV file, all or none: columns question, expectation, expected_source (an id or the name of a
 * source) and expected_text, in any order, separated by commas, semicolons or tabs.
 * @throws AppError `unusable_content` naming each row and its fault; `not_found`, `conflict`
 */
export async function importTestCases(
  ctx: Pick<Context, 'db' | 'afterCommit'>,
  scope: ProjectScope,
  input: { testSetId: string; content: string },
): Promise<TestCaseRow[]> {
  const rows = readRows(input.content);
  const sourceOf = await nameSources(ctx, scope, rows);
  const faults: FieldError[] = [];
  const cases = rows.map(({ number, cells }): TestCaseInput => {
    const path = (column: string) => `row ${number}, ${column}`;
    const source = sourceOf(cells['expected_source']);
    if (typeof source === 'object' && source !== null) {
      faults.push({ path: path('expected_source'), message: source.fault });
    }
    const parsed = testCaseBody.safeParse({
      question: cells['question'],
      expectation: cells['expectation']?.toLowerCase(),
      expectedSourceId: typeof source === 'string' ? source : null,
      expectedText: cells['expected_text'] ?? null,
    });
    for (const { path: field, message } of parsed.error?.issues ?? []) {
      const told = field[0] === 'expectation' ? 'must be answer or refuse' : message;
      faults.push({ path: path(COLUMN_OF[String(field[0])] ?? ''), message: told });
    }
    if (
      parsed.success &&
      parsed.data.expectation === 'refuse' &&
      (source ?? parsed.data.expectedText) !== null
    ) {
      faults.push({ path: path('expectation'), message: 'of a refusal no source and no text are expected' });
    }
    return parsed.data as TestCaseInput;
  });
  if (faults.length > 0) throw unusable(faults);
  return addTestCases(ctx, scope, { testSetId: input.testSetId, cases, origin: 'csv' });
}

const COLUMN_OF: Record<string, string> = {
  question: 'question',
  expectation: 'expectation',
  expectedSourceId: 'expected_source',
  expectedText: 'expected_text',
};

function readRows(content: string): Row[] {
  const table = parseTable(content.replace(/^\ufeff/, ''));
  const header = (table[0] ?? []).map((name) => name.trim().toLowerCase());
  const unknown = header.find((name) => !COLUMNS.some((column) => column === name));
  const missing = REQUIRED_COLUMNS.find((column) => !header.includes(column));
  const isTwice = new Set(header).size < header.length;
  if (unknown !== undefined || missing !== undefined || isTwice) {
    throw unusable([{ path: 'row 1', message: `the columns must be ${COLUMNS.join(', ')}, each once` }]);
  }
  const rows = table.slice(1).map((cells, index) => ({ number: index + 2, cells }));
  const filled = rows.filter(({ cells }) => cells.some((cell) => cell.trim() !== ''));
  if (filled.length === 0) throw unusable([{ path: 'row 2', message: 'there is no case below the header' }]);
  const tooLong = filled.filter(({ cells }) => cells.length > header.length);
  if (tooLong.length > 0) {
    const message = 'has more cells than the header: put a text with a delimiter between double quotes';
    throw unusable(tooLong.map(({ number }) => ({ path: `row ${number}`, message })));
  }
  return filled.map(({ number, cells }) => ({
    number,
    cells: Object.fromEntries(
      header.map((name, column) => [name, cells[column]?.trim() || undefined] as const),
    ) as Row['cells'],
  }));
}

function parseTable(content: string): string[][] {
  const firstLine = /^[^\r\n]*/.exec(content)?.[0] ?? '';
  const delimiter = DELIMITERS.find((character) => firstLine.includes(character)) ?? ',';
  try {
    return parse(content, { delimiter, relax_column_count: true });
  } catch (error) {
    const line = error instanceof Error && 'lines' in error ? Number(error.lines) : null;
    const message =
      'is not CSV: a double quote is not closed, or stands within a cell that has none around it';
    throw unusable([{ path: line === null ? 'the file' : `line ${line}`, message }], error);
  }
}

/** @returns the id for what a cell says; null for an empty one */
async function nameSources(
  ctx: Pick<Context, 'db'>,
  scope: ProjectScope,
  rows: Row[],
): Promise<(cell: string | undefined) => string | null | { fault: string }> {
  const names = [...new Set(rows.flatMap(({ cells }) => cells['expected_source'] ?? []))];
  const ids = names.filter(isId);
  const found =
    names.length === 0
      ? []
      : await readInProject(ctx, scope, (tx) => listNamedSources(tx.db, scope, { ids, names }));
  return (cell) => {
    if (cell === undefined) return null;
    const byId = found.find(({ id }) => id === cell.toLowerCase());
    const byName = found.filter(({ name }) => name === cell);
    const [first] = byName;
    if (byId !== undefined) return byId.id;
    if (first === undefined) return { fault: 'is neither the id nor the name of a source of this project' };
    return byName.length === 1 ? first.id : { fault: `is the name of ${byName.length} sources: give the id` };
  };
}

function unusable(faults: FieldError[], cause?: unknown): AppError {
  const [first] = faults;
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : '';
  return new AppError(
    'unusable_content',
    `Nothing was imported. ${first?.path ?? ''}: ${first?.message ?? ''}${more}`,
    { errors: faults.slice(0, MAX_FAULTS_TOLD), cause },
  );
}
