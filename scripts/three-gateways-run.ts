/** `node dist/scripts/three-gateways-run.js [--keep]`: the journey of three-gateways.ts, told as it goes. Needs root. Exit code 0 where it ended as it should. */
import process from 'node:process';
import { whyNoNamespaces } from './net-namespaces.js';
import { travel } from './three-gateways.js';

const missing = whyNoNamespaces();
if (missing !== undefined) {
  process.stderr.write(`${missing}\n`);
  process.exitCode = 3;
} else {
  const { problems, line, files, bytes } = await travel({ say: (text) => void process.stdout.write(`${text}\n`), keep: process.argv.includes('--keep') });
  for (const { towards, datagrams, arrivedDatagrams, lostDatagrams, cutDatagrams, closedDatagrams } of line.ways) {
    process.stdout.write(`line to ${towards}: ${arrivedDatagrams} of ${datagrams} datagrams, ${lostDatagrams} lost by chance, ${cutDatagrams + closedDatagrams} by the cut\n`);
  }
  process.stdout.write(problems.length === 0 ? `${files} files, ${bytes} bytes: there, accepted, and nothing remains.\n` : `${problems.join('\n')}\n`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
