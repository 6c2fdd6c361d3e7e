import { decodeRanges, encodeRanges } from './ranges.js';
import { runVectors } from './vectors.suite.js';

runVectors({ object: 'ranges', decode: decodeRanges, encode: encodeRanges, notWritten: '-ignorable' });
