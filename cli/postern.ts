#!/usr/bin/env node
/** The program as a process: its streams, its signals, its exit code. */
import process from 'node:process';
import { stayAlive, systemClock } from '../base/clock.js';
import { systemRandom } from '../base/random.js';
import { EXIT } from './exit-codes.js';
import { faultText, runCommandLine } from './main.js';

const interrupt = new AbortController();
process.once('SIGINT', () => interrupt.abort());
process.once('SIGTERM', () => interrupt.abort());
process.stdout.on('error', (thrown: NodeJS.ErrnoException) => {
  // The reader of a pipe may leave early (`postern status --watch | head -1`): nobody reads on, so the command ends.
  if (thrown.code === 'EPIPE') return interrupt.abort();
  // On a full disk, what was asked for is not there (`postern peer invite > ship.card`).
  process.stderr.write(faultText(thrown, false));
  process.exit(EXIT.fault);
});
process.on('uncaughtException', (thrown) => {
  process.stderr.write(faultText(thrown, true));
  process.exit(EXIT.fault);
});

const surroundings = { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, clock: systemClock, random: systemRandom, env: process.env, signal: interrupt.signal };
// No top-level await: the single executable is CommonJS.
const end = stayAlive();
void runCommandLine(process.argv.slice(2), surroundings).then((code) => {
  process.exitCode = code;
  end();
});
