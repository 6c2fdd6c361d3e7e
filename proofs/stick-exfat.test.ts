/** exFAT, exfat-fuse's, on a kernel of its own. */
import { tryStick } from './stick-trials.test-helper.js';

tryStick('exfat');
