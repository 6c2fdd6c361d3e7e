/** The version, as in package.json; cli/postern.test.ts compares the two. A single executable has no package.json beside it. */
export const VERSION = '0.1.0';
