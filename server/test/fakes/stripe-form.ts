export type FormValue = string | FormValue[] | { [name: string]: FormValue };
export type Form = { [name: string]: FormValue };

/** Reads what Stripe's API takes: `line_items[0][price_data][currency]=usd` in a body or a query. */
export function parseForm(text: string): Form {
  const form: Form = {};
  for (const [path, value] of new URLSearchParams(text)) {
    const names = path.split(/[[\]]+/).filter((name) => name !== '');
    put(form, names, value);
  }
  return toLists(form) as Form;
}

function put(form: Form, names: string[], value: string): void {
  const [name = '', ...rest] = names;
  if (rest.length === 0) {
    form[name] = value;
    return;
  }
  form[name] ??= {};
  put(form[name] as Form, rest, value);
}

/** What has the names 0, 1, 2, … is a list. */
function toLists(value: FormValue): FormValue {
  if (typeof value !== 'object' || Array.isArray(value)) return value;
  const entries = Object.entries(value).map(([name, item]): [string, FormValue] => [name, toLists(item)]);
  const isList = entries.length > 0 && entries.every(([name], index) => name === String(index));
  return isList ? entries.map(([, item]) => item) : Object.fromEntries(entries);
}

/** A text in a form, at a path such as `line_items.0.quantity`; undefined where there is none. */
export function textAt(form: FormValue | undefined, path: string): string | undefined {
  let value: FormValue | undefined = form;
  for (const name of path.split('.')) {
    if (value === undefined || typeof value === 'string') return undefined;
    value = Array.isArray(value) ? value[Number(name)] : value[name];
  }
  return typeof value === 'string' ? value : undefined;
}
