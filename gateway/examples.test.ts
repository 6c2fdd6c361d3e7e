import { readFileSync, readdirSync } from 'node:fs';
import t from 'tap';
import { toBase64url } from '../base/bytes.js';
import { parseConfig } from './config.js';
import { parseYaml } from './yaml-file.js';

const DOCS = new URL('../../docs/', import.meta.url);
const EXAMPLES = ['antarctic.yaml', 'isp.yaml', 'mars-relay.yaml', 'ship.yaml', 'village.yaml'];
const LINKS = readFileSync(new URL('links.md', DOCS), 'utf8');

t.test('each example is a whole configuration, and links.md leads to it', async (t) => {
  t.same(readdirSync(new URL('examples/', DOCS)).sort(), EXAMPLES);
  for (const name of EXAMPLES) {
    const file = new URL(`examples/${name}`, DOCS);
    const yaml = parseYaml(readFileSync(file, 'utf8'), name);
    const config = parseConfig(yaml.value, name, yaml.lineOf);
    t.ok(config.peers.some((peer) => peer.links.length > 0) && config.routes.length > 0, name);
    t.match(LINKS, `(examples/${name})`);
  }
});

t.test('each piece of configuration in links.md is one', async (t) => {
  const pieces = [...LINKS.matchAll(/```yaml\n(.*?)```/gs)].map((match) => match[1]!);
  t.ok(pieces.length >= 4);
  for (const [index, piece] of pieces.entries()) {
    let keys = 0;
    const text = piece.replaceAll('…', () => toBase64url(new Uint8Array(32).fill(++keys)));
    const value = parseYaml(text, 'links.md').value as Record<string, Record<string, unknown>>;
    if (!('peers' in value)) continue;
    const whole = { gateway: { name: 'example', nodeId: 'dtn://example/', publicUrl: 'https://example.org', keyFile: 'gateway.key' }, ...value, listen: { https: {}, ...value['listen'] } };
    t.ok(parseConfig(whole, `piece ${index + 1} of links.md`).peers.length > 0);
  }
});
