import { execFile } from 'node:child_process';
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { fromBase64url, toHex } from './bytes.js';
import { makeTlsIdentity, pinnedKeyOf, type TlsIdentity } from './tls-identity.js';

const run = promisify(execFile);

t.test('makes the same certificate from the same seed, and another from another', async (t) => {
  const identity = await makeTlsIdentity(seed(1), 'shore');
  t.same(await makeTlsIdentity(seed(1), 'shore'), identity);
  t.not((await makeTlsIdentity(seed(2), 'shore')).certPem, identity.certPem);
});

t.test('the certificate is self-signed, names the peer and holds from 1970 to the year 9999', async (t) => {
  const certificate = new X509Certificate((await makeTlsIdentity(seed(1), 'shore')).certPem);
  t.ok(certificate.verify(certificate.publicKey));
  t.equal(certificate.subject, 'CN=shore');
  t.equal(certificate.issuer, 'CN=shore');
  t.equal(certificate.validFrom, 'Jan  1 00:00:00 1970 GMT');
  t.equal(certificate.validTo, 'Dec 31 23:59:59 9999 GMT');
});

t.test('the serial number is positive and minimal for every seed', async (t) => {
  const identities = await Promise.all(Array.from({ length: 200 }, (_, n) => makeTlsIdentity(seed(n), 'shore')));
  const serials = identities.map(({ certPem }) => new X509Certificate(certPem).serialNumber);
  t.same(serials.filter((serial) => !/^[4-7][0-9A-F]{31}$/.test(serial)), []);
  t.equal(new Set(serials).size, 200);
});

t.test('keeps the first 64 characters of a long name, and any script', async (t) => {
  const long = new X509Certificate((await makeTlsIdentity(seed(1), `${'é'.repeat(64)}x`)).certPem);
  t.match(long.toLegacyObject().subject, { CN: 'é'.repeat(64) });
});

t.test('each side reads the key that the other side proved', async (t) => {
  const server = await makeTlsIdentity(seed(1), 'server');
  const client = await makeTlsIdentity(seed(2), 'client');
  const port = await listen(t, server, (socket) => socket.end(toHex(pinnedKeyOf(socket) ?? new Uint8Array())));
  const socket = connect({ host: '127.0.0.1', port, cert: client.certPem, key: client.keyPem, rejectUnauthorized: false });
  let seen = '';
  socket.on('data', (chunk: Buffer) => (seen += chunk.toString()));
  await once(socket, 'secureConnect');
  t.same(pinnedKeyOf(socket), publicKeyOf(server));
  t.equal(socket.getProtocol(), 'TLSv1.3');
  await once(socket, 'end');
  t.equal(seen, toHex(publicKeyOf(client)));
});

t.test('a side that shows no certificate has no key', async (t) => {
  const port = await listen(t, await makeTlsIdentity(seed(1), 'server'), (socket) => socket.end(String(pinnedKeyOf(socket))));
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  t.equal(chunk.toString(), 'undefined');
});

t.test('a certificate cannot be served with the key of another', async (t) => {
  const { certPem } = await makeTlsIdentity(seed(1), 'a');
  const { keyPem } = await makeTlsIdentity(seed(2), 'a');
  t.throws(() => createServer({ cert: certPem, key: keyPem }));
});

t.test('openssl reads the certificate, verifies it and completes a handshake with it', async (t) => {
  const found = await run('openssl', ['version']).catch(() => undefined);
  if (found === undefined) return t.comment('openssl is not installed');
  const identity = await makeTlsIdentity(seed(1), 'shore');
  const port = await listen(t, identity, (socket) => socket.end());
  const file = `${t.testdir({ 'cert.pem': identity.certPem })}/cert.pem`;
  const args = ['s_client', '-connect', `127.0.0.1:${port}`, '-CAfile', file, '-verify_return_error', '-tls1_3'];
  const { stdout } = await run('sh', ['-c', `openssl "$@" </dev/null`, 'sh', ...args]);
  t.match(stdout, /Verify return code: 0 \(ok\)/);
  t.match(stdout, /Peer signature type: (?:Ed25519|ed25519)/);
});

function seed(n: number): Uint8Array {
  return new Uint8Array(32).fill(n);
}

function publicKeyOf(identity: TlsIdentity): Uint8Array {
  return fromBase64url(createPublicKey(createPrivateKey(identity.keyPem)).export({ format: 'jwk' }).x!)!;
}

async function listen(t: Test, identity: TlsIdentity, onSocket: (socket: TLSSocket) => void): Promise<number> {
  const server = createServer({ cert: identity.certPem, key: identity.keyPem, requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.3' });
  server.on('secureConnection', (socket) => {
    socket.on('error', () => undefined);
    onSocket(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}
