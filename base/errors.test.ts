import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { isPosternError, messageOf, PosternError } from './errors.js';

const ROOT = join(import.meta.dirname, '../..');

t.test('explains every code in docs/errors.md, and no other', async (t) => {
  const source = await readFile(join(ROOT, 'base/errors.ts'), 'utf8');
  const list = source.slice(source.indexOf('interface ErrorData'), source.indexOf('type ErrorCode'));
  const codes = matches(list, /^ {2}([A-Z][A-Z_]+):/gm);
  t.ok(codes.length > 20);
  const headings = matches(await readFile(join(ROOT, 'docs/errors.md'), 'utf8'), /^## (.+)$/gm);
  t.same(codes.filter((code) => !headings.includes(code)), [], 'codes without a heading');
  t.same(headings.filter((heading) => !codes.includes(heading)), [], 'headings without a code');
  t.equal(new Set(headings).size, headings.length, 'each code once');
});

t.test('keeps code, data and cause', async (t) => {
  const cause = new Error('disk');
  const error = new PosternError('CLI_FILE', 'It cannot be read.', { path: 'a', reason: 'EIO' }, { cause });
  t.match(error, { name: 'PosternError', code: 'CLI_FILE', data: { path: 'a', reason: 'EIO' }, cause });
  t.ok(isPosternError(error));
  t.notOk(isPosternError(cause));
});

t.test('finds words for whatever was thrown', async (t) => {
  t.equal(messageOf(new Error('broken')), 'broken');
  t.equal(messageOf('broken'), 'broken');
  t.equal(messageOf(undefined), 'undefined');
});

function matches(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, name]) => name ?? '');
}
