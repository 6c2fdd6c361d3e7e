import t from 'tap';
import { selectPart, suits } from './http-conditions.js';

const TAG = `"${'ab'.repeat(32)}"`;
const WHOLE = { status: 200 };

t.test('serves the range that was asked for', async (t) => {
  const ranges: [string, number, number][] = [
    ['bytes=0-0', 0, 1],
    ['bytes=0-99', 0, 100],
    ['bytes=10-19', 10, 20],
    ['bytes=90-', 90, 100],
    ['bytes=0-', 0, 100],
    ['bytes=99-99', 99, 100],
    ['bytes=50-1000', 50, 100],
    ['bytes=50-99999999999999999999999', 50, 100],
    ['bytes=-1', 99, 100],
    ['bytes=-100', 0, 100],
    ['bytes=-99999999999999999999999', 0, 100],
    ['BYTES=10-19', 10, 20],
    ['bytes= 10-19', 10, 20],
  ];
  for (const [range, startByte, endByte] of ranges) t.same(get({ range }), { status: 206, startByte, endByte }, range);
});

t.test('says that a range lies beyond the blob', async (t) => {
  for (const range of ['bytes=100-', 'bytes=100-200', 'bytes=-0', 'bytes=99999999999999999999999-']) t.same(get({ range }), { status: 416 }, range);
  t.same(selectPart('GET', { range: 'bytes=0-' }, TAG, 0), { status: 416 });
  t.same(selectPart('GET', { range: 'bytes=-5' }, TAG, 0), { status: 416 });
});

t.test('ignores what is no single range of bytes', async (t) => {
  const many = `bytes=${Array.from({ length: 1000 }, (_, n) => `${n}-${n}`).join(',')}`;
  for (const range of ['', 'bytes', 'bytes=', 'bytes=-', 'bytes=5-4', 'bytes=a-b', 'bytes=1--2', 'bytes=+1-2', 'bytes=0x1-2', 'bytes=1 0-20', 'items=0-1', 'bytes=0-1,5-6', many]) {
    t.same(get({ range }), WHOLE, range.slice(0, 20));
  }
});

t.test('a range has no meaning for HEAD', async (t) => {
  t.same(selectPart('HEAD', { range: 'bytes=0-0' }, TAG, 100), WHOLE);
});

t.test('If-Match wants the strong tag', async (t) => {
  for (const field of [TAG, '*', ` * `, `"other", ${TAG}`, `${TAG},"other"`]) t.same(get({ 'if-match': field }), WHOLE, field);
  for (const field of ['', '"other"', `W/${TAG}`, TAG.slice(1, -1), '"*"']) t.same(get({ 'if-match': field }), { status: 412 }, field);
});

t.test('If-None-Match takes weak tags, too', async (t) => {
  for (const field of [TAG, '*', `W/${TAG}`, `"other", W/${TAG}`]) t.same(get({ 'if-none-match': field }), { status: 304 }, field);
  for (const field of ['', '"other"', TAG.slice(1, -1)]) t.same(get({ 'if-none-match': field }), WHOLE, field);
});

t.test('If-Range keeps the range only with the very tag', async (t) => {
  t.match(get({ range: 'bytes=0-0', 'if-range': TAG }), { status: 206 });
  for (const field of ['"other"', `W/${TAG}`, '*', 'Fri, 31 Dec 1999 23:59:59 GMT']) t.same(get({ range: 'bytes=0-0', 'if-range': field }), WHOLE, field);
  t.same(get({ range: 'bytes=100-', 'if-range': '"other"' }), WHOLE, 'a range that is ignored cannot lie beyond');
});

t.test('preconditions come in the order of RFC 9110', async (t) => {
  t.same(get({ 'if-match': '"other"', 'if-none-match': TAG, range: 'bytes=100-' }), { status: 412 });
  t.same(get({ 'if-match': TAG, 'if-none-match': TAG, range: 'bytes=100-' }), { status: 304 });
  t.same(get({ 'if-match': TAG, 'if-none-match': '"other"', range: 'bytes=100-' }), { status: 416 });
});

t.test('a hostile list of tags takes no time worse than linear', async (t) => {
  const field = `${'W/"'.repeat(300_000)}x`;
  const startMs = performance.now();
  t.same(get({ 'if-match': field }), { status: 412 });
  t.ok(performance.now() - startMs < 2000);
});

function get(headers: Record<string, string>): object {
  return selectPart('GET', headers, TAG, 100);
}

t.test('of several blobs, the one suits that the preconditions are for', async (t) => {
  const [one, other] = ['"one"', '"other"'];
  t.ok(suits({}, one));
  t.same([suits({ 'if-match': one }, one), suits({ 'if-match': one }, other)], [true, false]);
  t.same([suits({ 'if-none-match': one }, one), suits({ 'if-none-match': one }, other)], [false, true]);
  t.same([suits({ 'if-range': one }, one), suits({ 'if-range': one }, other)], [true, false]);
});
