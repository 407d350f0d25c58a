import type { ServerResponse } from 'node:http';
import type { FakeS3Bucket } from './fake-s3-bucket.js';
import type { S3Refusal } from './fake-s3-signature.js';

type FakeS3Operation =
  | 'PutObject'
  | 'GetObject'
  | 'DeleteObject'
  | 'ListObjectsV2'
  | 'CreateMultipartUpload'
  | 'UploadPart'
  | 'CompleteMultipartUpload'
  | 'AbortMultipartUpload'
  | 'ListMultipartUploads'
  | 'unknown';

export interface FakeS3Call {
  operation: FakeS3Operation;
  bucketName: string;
  /** Empty for calls to the bucket. */
  key: string;
  query: URLSearchParams;
  range: string | null;
}

interface Answering {
  call: FakeS3Call;
  headers: Readonly<Record<string, string | undefined>>;
  body: Buffer;
  bucket: FakeS3Bucket;
  pageSize: number;
  isCut: boolean;
}

export function operationOf(
  method: string,
  url: string,
  headers: Readonly<Record<string, string | undefined>>,
): FakeS3Call {
  const { pathname, searchParams: query } = new URL(url, 'http://localhost');
  const [, bucketName = '', ...keyParts] = decodeURIComponent(pathname).split('/');
  const key = keyParts.join('/');
  const operation = nameOf(method, key !== '', query);
  return { operation, bucketName, key, query, range: headers['range'] ?? null };
}

function nameOf(method: string, isObject: boolean, query: URLSearchParams): FakeS3Operation {
  if (!isObject) {
    if (method !== 'GET') return 'unknown';
    if (query.has('uploads')) return 'ListMultipartUploads';
    return query.get('list-type') === '2' ? 'ListObjectsV2' : 'unknown';
  }
  if (method === 'POST' && query.has('uploads')) return 'CreateMultipartUpload';
  if (query.has('uploadId')) {
    const names: Partial<Record<string, FakeS3Operation>> = {
      PUT: 'UploadPart',
      POST: 'CompleteMultipartUpload',
      DELETE: 'AbortMultipartUpload',
    };
    return names[method] ?? 'unknown';
  }
  const names: Partial<Record<string, FakeS3Operation>> = {
    PUT: 'PutObject',
    GET: 'GetObject',
    DELETE: 'DeleteObject',
  };
  return names[method] ?? 'unknown';
}

/** Does what a call asks for and answers as S3 does. */
export function answerS3Call(response: ServerResponse, input: Answering): void {
  const { call, body, bucket } = input;
  const uploadId = call.query.get('uploadId') ?? '';
  switch (call.operation) {
    case 'PutObject':
      response.writeHead(200, { etag: bucket.put(call.key, body).etag }).end();
      return;
    case 'GetObject':
      return sendObject(response, input);
    case 'DeleteObject':
      bucket.objects.delete(call.key);
      response.writeHead(204).end();
      return;
    case 'ListObjectsV2':
      return sendObjectList(response, input);
    case 'ListMultipartUploads':
      return sendUploadList(response, input);
    case 'CreateMultipartUpload': {
      const created = element('UploadId', bucket.createUpload(call.key));
      return sendXml(
        response,
        200,
        `<InitiateMultipartUploadResult>${created}</InitiateMultipartUploadResult>`,
      );
    }
    case 'UploadPart': {
      const etag = bucket.uploadPart(uploadId, call.key, Number(call.query.get('partNumber')), body);
      if (typeof etag !== 'string') return sendXmlError(response, etag);
      response.writeHead(200, { etag }).end();
      return;
    }
    case 'CompleteMultipartUpload': {
      const object = bucket.completeUpload(uploadId, call.key, partsOf(body.toString()));
      if ('code' in object) return sendXmlError(response, object);
      const etag = element('ETag', object.etag);
      return sendXml(response, 200, `<CompleteMultipartUploadResult>${etag}</CompleteMultipartUploadResult>`);
    }
    case 'AbortMultipartUpload':
      if (!bucket.abortUpload(uploadId, call.key)) {
        return sendXmlError(response, { status: 404, code: 'NoSuchUpload' });
      }
      response.writeHead(204).end();
      return;
    case 'unknown':
      return sendXmlError(response, { status: 501, code: 'NotImplemented' });
  }
}

export function sendXmlError(response: ServerResponse, { status, code }: S3Refusal): void {
  const content = element('Code', code) + element('Message', `The fake says ${code}.`);
  sendXml(response, status, `<Error>${content}${element('RequestId', 'fake')}</Error>`);
}

function sendObject(response: ServerResponse, { call, headers, bucket, isCut }: Answering): void {
  const object = bucket.objects.get(call.key);
  if (object === undefined) return sendXmlError(response, { status: 404, code: 'NoSuchKey' });
  const version = headers['if-match'];
  if (version !== undefined && version !== object.etag) {
    return sendXmlError(response, { status: 412, code: 'PreconditionFailed' });
  }
  const start = Number(/^bytes=(\d+)-$/.exec(call.range ?? '')?.[1] ?? 0);
  const size = object.body.length;
  if (start > 0 && start >= size) return sendXmlError(response, { status: 416, code: 'InvalidRange' });
  const content = object.body.subarray(start);
  const range = { 'content-range': `bytes ${start}-${size - 1}/${size}` };
  response.writeHead(call.range === null ? 200 : 206, {
    etag: object.etag,
    'last-modified': object.modifiedAt.toUTCString(),
    'content-length': content.length,
    ...(call.range === null ? {} : range),
  });
  if (!isCut) return void response.end(content);
  response.write(content.subarray(0, Math.ceil(content.length / 2)), () => response.destroy());
}

function sendObjectList(response: ServerResponse, { call, bucket, pageSize }: Answering): void {
  const after = call.query.get('continuation-token') ?? '';
  const prefix = call.query.get('prefix') ?? '';
  const keys = [...bucket.objects.keys()].filter((key) => key.startsWith(prefix) && key > after).toSorted();
  const page = keys.slice(0, pageSize);
  const entries = page.map((key) => {
    const object = bucket.objects.get(key);
    const modified = element('LastModified', object?.modifiedAt.toISOString() ?? '');
    const size = element('Size', String(object?.body.length));
    return `<Contents>${element('Key', key)}${modified}${element('ETag', object?.etag ?? '')}${size}</Contents>`;
  });
  const isTruncated = keys.length > pageSize;
  const next = isTruncated ? element('NextContinuationToken', page.at(-1) ?? '') : '';
  const content = `${element('IsTruncated', String(isTruncated))}${next}${entries.join('')}`;
  sendXml(response, 200, `<ListBucketResult>${content}</ListBucketResult>`);
}

function sendUploadList(response: ServerResponse, { call, bucket, pageSize }: Answering): void {
  const prefix = call.query.get('prefix') ?? '';
  const keyMarker = call.query.get('key-marker') ?? '';
  const idMarker = call.query.get('upload-id-marker');
  const isAfter = (key: string, uploadId: string) =>
    key > keyMarker || (key === keyMarker && idMarker !== null && uploadId > idMarker);
  const all = [...bucket.uploads]
    .map(([uploadId, { key, startedAt }]) => ({ uploadId, key, startedAt, place: `${key}\n${uploadId}` }))
    .filter(({ key, uploadId }) => key.startsWith(prefix) && isAfter(key, uploadId))
    .toSorted((one, other) => (one.place < other.place ? -1 : 1));
  const page = all.slice(0, pageSize);
  const entries = page.map(({ key, uploadId, startedAt }) => {
    const initiated = element('Initiated', startedAt.toISOString());
    return `<Upload>${element('Key', key)}${element('UploadId', uploadId)}${initiated}</Upload>`;
  });
  const isTruncated = all.length > pageSize;
  const last = page.at(-1);
  const next = isTruncated
    ? element('NextKeyMarker', last?.key ?? '') + element('NextUploadIdMarker', last?.uploadId ?? '')
    : '';
  const content = `${element('IsTruncated', String(isTruncated))}${next}${entries.join('')}`;
  sendXml(response, 200, `<ListMultipartUploadsResult>${content}</ListMultipartUploadsResult>`);
}

function partsOf(xml: string): { partNumber: number; etag: string }[] {
  return [...xml.matchAll(/<Part>(.*?)<\/Part>/gs)].map(([, part = '']) => ({
    partNumber: Number(/<PartNumber>(\d+)<\/PartNumber>/.exec(part)?.[1]),
    etag: (/<ETag>(.*?)<\/ETag>/.exec(part)?.[1] ?? '').replaceAll('&quot;', '"'),
  }));
}

function sendXml(response: ServerResponse, status: number, content: string): void {
  response
    .writeHead(status, { 'content-type': 'application/xml', 'x-amz-request-id': 'fake' })
    .end(`<?xml version="1.0" encoding="UTF-8"?>\n${content}`);
}

function element(name: string, text: string): string {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
  return `<${name}>${escaped}</${name}>`;
}
