/** ext4, a real kernel's. */
import { tryStick } from './stick-trials.test-helper.js';

tryStick('ext4');
