import t from 'tap';
import { numberedFileName, printable, safeFileName } from './file-name.js';

t.test('keeps an ordinary name as it is', async (t) => {
  for (const name of ['report.pdf', 'Grüße aus Köln.txt', 'a', 'photo (1).jpg', '日本語.md', 'archive.tar.gz']) t.equal(safeFileName(name), name);
});

t.test('leaves no way out of the folder', async (t) => {
  for (const name of ['../../etc/passwd', '/etc/passwd', '..\\..\\boot.ini', 'C:\\x', '..', '.', './.ssh/authorized_keys', 'a/../../b', '....//x']) {
    const safe = safeFileName(name);
    t.notMatch(safe, /[/\\:]/, name);
    t.notMatch(safe, /^\./, name);
    t.not(safe, '');
  }
});

t.test('takes control characters and bidi tricks out', async (t) => {
  t.equal(safeFileName('a\u0000b\nc\u001b[31md'), 'a_b_c_[31md');
  t.equal(safeFileName('invoice\u202efdp.exe'), 'invoice_fdp.exe');
  t.equal(safeFileName('x\ud800y'), 'x_y', 'a lone surrogate');
  t.equal(printable('a\u001b]0;owned\u0007b'), 'a\u{fffd}]0;owned\u{fffd}b');
});

t.test('hides no file and makes no device', async (t) => {
  t.equal(safeFileName('.bashrc'), 'bashrc');
  t.equal(safeFileName('CON'), '_CON');
  t.equal(safeFileName('nul.txt'), '_nul.txt');
  t.equal(safeFileName('console.log'), 'console.log');
});

t.test('has a name for what has none', async (t) => {
  for (const name of [undefined, '', ' ', '...', ' . . ']) t.equal(safeFileName(name), 'message');
});

t.test('shortens a long name, keeps its extension, and cuts through no character', async (t) => {
  const safe = safeFileName(`${'🙂'.repeat(200)}.jpeg`);
  t.ok(Buffer.byteLength(safe) <= 240);
  t.match(safe, /^🙂+\.jpeg$/u);
  t.ok(Buffer.byteLength(safeFileName('x'.repeat(5000))) <= 240);
});

t.test('numbers a name before its extension', async (t) => {
  t.equal(numberedFileName('report.pdf', 1), 'report.pdf');
  t.equal(numberedFileName('report.pdf', 2), 'report (2).pdf');
  t.equal(numberedFileName('README', 3), 'README (3)');
});
