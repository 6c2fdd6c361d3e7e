import { decodeRefusal, encodeRefusal } from './refusal.js';
import { runVectors } from './vectors.suite.js';

runVectors({ object: 'refusal', decode: decodeRefusal, encode: encodeRefusal, notWritten: '-ignorable' });
