import { proveBlindness } from './blindness.suite.js';

proveBlindness({ link: 'https' });
