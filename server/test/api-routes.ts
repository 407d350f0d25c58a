import type { FastifyInstance } from 'fastify';

/** The part of JSON Schema that the OpenAPI document uses. */
export interface JsonSchema {
  $ref?: string;
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
}

interface Operation {
  security?: Record<string, string[]>[];
  parameters?: { in: string; name: string }[];
  requestBody?: { content: Record<string, { schema: JsonSchema }> };
  responses?: Record<string, unknown>;
}

export interface ApiRoute {
  /** `POST /v1/projects/{projectId}/chat` */
  name: string;
  method: string;
  path: string;
  pathParameters: string[];
  queryParameters: string[];
  /** `none`: open to all; `session`: an access token; `owner`: that or an API key; `visitor`: the same, or a public project; `admin`: an access token of an admin. */
  access: 'none' | 'session' | 'owner' | 'visitor' | 'admin';
  /** The forms of its JSON body; empty for a route without one. */
  bodies: JsonSchema[];
  /** Whether it also does its work without a body. */
  isBodyOptional: boolean;
  takesFiles: boolean;
  statuses: string[];
}

/** Every route that the OpenAPI document names. */
export async function listApiRoutes(server: FastifyInstance): Promise<ApiRoute[]> {
  await server.ready();
  const document = server.swagger() as unknown as {
    paths: Record<string, Record<string, Operation>>;
    components: { schemas: Record<string, JsonSchema> };
  };
  const resolve = (schema: JsonSchema): JsonSchema => {
    const name = schema.$ref?.split('/').at(-1);
    return name === undefined ? schema : (document.components.schemas[name] ?? {});
  };
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => describeRoute(method, path, operation, resolve)),
  );
}

function describeRoute(
  method: string,
  path: string,
  operation: Operation,
  resolve: (schema: JsonSchema) => JsonSchema,
): ApiRoute {
  const content = operation.requestBody?.content ?? {};
  const schema = content['application/json']?.schema;
  const forms = schema === undefined ? [] : formsOf(schema, resolve);
  const takesFiles = content['multipart/form-data'] !== undefined;
  const named = (place: string) =>
    (operation.parameters ?? []).filter((parameter) => parameter.in === place).map(({ name }) => name);
  return {
    name: `${method.toUpperCase()} ${path}`,
    method: method.toUpperCase(),
    path,
    pathParameters: named('path'),
    queryParameters: named('query'),
    access: accessOf(operation.security ?? []),
    bodies: forms.filter(({ type }) => type === 'object'),
    // A route that takes files is one whose body is needed, though JSON is not its only form.
    isBodyOptional: !takesFiles && (schema === undefined || forms.some(({ type }) => type === 'null')),
    takesFiles,
    statuses: Object.keys(operation.responses ?? {}),
  };
}

function accessOf(security: Record<string, unknown>[]): ApiRoute['access'] {
  if (security.length === 0) return 'none';
  const schemes = security.flatMap((requirement) => Object.keys(requirement));
  if (schemes.length < security.length) return 'visitor';
  const isForAdmins = security.some(({ session }) => Array.isArray(session) && session.includes('admin'));
  if (isForAdmins) return 'admin';
  return schemes.includes('session') ? 'session' : 'owner';
}

function formsOf(schema: JsonSchema, resolve: (schema: JsonSchema) => JsonSchema): JsonSchema[] {
  const resolved = resolve(schema);
  const parts = resolved.anyOf ?? resolved.oneOf;
  return parts === undefined ? [resolved] : parts.flatMap((part) => formsOf(part, resolve));
}

/** The path of a route with its parameters filled in. */
export function pathOf(route: ApiRoute, parameters: Record<string, string>): string {
  return route.path.replace(/\{(\w+)\}/g, (_match, name: string) => {
    const value = parameters[name];
    if (value === undefined) throw new Error(`${route.name}: this test has no value for {${name}} yet`);
    return value;
  });
}

/** Texts that a field of this name takes where its schema does not tell. */
const TEXT_EXAMPLES: Record<string, string> = {
  email: 'somebody@example.com',
  phone: '+49 30 1234567',
  url: 'https://example.com/',
  language: 'en',
  languages: 'en',
  sourceIds: '0192f0a0-0000-7000-8000-000000000000',
  allowedOrigins: 'https://example.com',
  password: 'correct horse battery',
  syncEvery: '1d',
  expectedSourceId: '01900000-0000-7000-8000-000000000000',
  expiresAt: '2999-01-01T00:00:00.000Z',
  userId: '01900000-0000-7000-8000-000000000000',
  since: '2026-01-01T00:00:00.000Z',
  price: '12.34',
  currency: 'EUR',
  code: 'some-code',
  spendingCap: '25.00',
  humanTicketCost: '6.50',
  addOnId: '01900000-0000-7000-8000-000000000011',
  customPrice: '10.00',
};

/** A value that a schema takes: an object has its required fields, and all with `isFull`. */
export function sampleOf(schema: JsonSchema, name = '', isFull = false): unknown {
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0];
  const parts = schema.anyOf ?? schema.oneOf;
  if (parts !== undefined) return sampleOf(parts[0] ?? {}, name, isFull);
  if (schema.type === 'object') {
    const names = Object.keys(schema.properties ?? {}).filter(
      (field) => isFull || schema.required?.includes(field) === true,
    );
    return Object.fromEntries(
      names.map((field) => [field, sampleOf(schema.properties?.[field] ?? {}, field, isFull)]),
    );
  }
  if (schema.type === 'array') return [sampleOf(schema.items ?? {}, name, isFull)];
  if (schema.type === 'boolean') return false;
  if (schema.type === 'string') return TEXT_EXAMPLES[name] ?? `Some ${name}`;
  return Math.max(schema.minimum ?? 1, Math.min(1, schema.maximum ?? 1));
}

/** Where a field stands in a body: names, and 0 for the item of a list. */
export type FieldPath = (string | 0)[];

/** Every field of a body, those of nested objects and the items of lists too. */
export function fieldsOf(
  schema: JsonSchema,
  path: FieldPath = [],
): { path: FieldPath; schema: JsonSchema; isRequired: boolean }[] {
  const own = Object.entries(schema.properties ?? {}).flatMap(([name, field]) => [
    { path: [...path, name], schema: field, isRequired: schema.required?.includes(name) === true },
    ...fieldsOf(field, [...path, name]),
  ]);
  if (schema.items === undefined) return own;
  return [
    ...own,
    { path: [...path, 0], schema: schema.items, isRequired: false },
    ...fieldsOf(schema.items, [...path, 0]),
  ];
}

/** An event of Stripe's is bytes with a signature, whatever is in them: `features/billing/webhook.test.ts` attacks it. */
export const isReadByFields = ({ path }: ApiRoute): boolean => path !== '/v1/stripe/webhook';
