/** Scenarios from two-line elements and a list of stations, `name,latitude,longitude[,metres]` a line: each satellite has a link to each station, with its passes. */
import { planSyntax } from '../../plan/contact-plan.js';
import { satelliteOf, tleFault } from '../satellites.js';
import { MOST_NODES, domainOf } from './contacts-scenario.js';
import { Names } from './imported.js';
import type { Imported, ImportInput } from './imported.js';

interface Named {
  readonly name: string;
}

const LASTS = '7 d';

export function importTle([elements, stations]: readonly ImportInput[]): Imported {
  const names = new Names();
  if (elements === undefined || stations === undefined) throw planSyntax(elements?.file ?? 'the files', 1, 'one file', 'two-line elements and a list of stations');
  const ground = stationsIn(stations, names);
  const space = satellitesIn(elements, names);
  if (ground.length + space.length > MOST_NODES) throw planSyntax(elements.file, 1, `${ground.length + space.length} satellites and stations`, `at most ${MOST_NODES}`);
  const [hub] = ground;
  const links = space.flatMap(({ name, tle }) => ground.map((station) => ({ between: [station.name, name], rate: '1 Mbit/s', there: { rate: '9600 bit/s' }, largest: '64 KiB', windows: { passes: { tle, station: { latitude: station.latitude, longitude: station.longitude, height: `${station.heightM} m` }, maskDeg: 5 } } })));
  const serving = ({ name }: Named, routes: readonly { to: string; via: string }[]): [string, unknown] => [name, { serves: [domainOf(name)], routes }];
  const nodes = Object.fromEntries([
    ...ground.map((station) => serving(station, space.map(({ name }) => ({ to: domainOf(name), via: name })))),
    ...space.map((satellite) => serving(satellite, ground.map(({ name }) => ({ to: domainOf(name), via: name })))),
  ]);
  const traffic = space.flatMap(({ name }) => [
    { from: domainOf(name), to: domainOf(hub?.name ?? ''), perDay: 12, size: ['1 KiB', '32 KiB'], lifetime: LASTS },
    { from: domainOf(hub?.name ?? ''), to: domainOf(name), perDay: 4, size: ['512 B', '2 KiB'], lifetime: LASTS },
  ]);
  const epochMs = Math.ceil(Math.max(...space.map((satellite) => satellite.epochMs)) / 3_600_000) * 3_600_000;
  const scenario = { name: 'passes', about: `Satellites of ${elements.file} over the stations of ${stations.file}.`, starts: new Date(epochMs).toISOString(), lasts: LASTS, settles: '2 d', nodes, links, traffic };
  return { scenario, notes: ['rates and the mask of 5 degrees are examples', 'the scenario begins at the epoch of the newest elements: passes are good for a week or two from there'] };
}

function satellitesIn({ text, file }: ImportInput, names: Names): { readonly name: string; readonly tle: readonly [string, string]; readonly epochMs: number }[] {
  const lines = text.split(/\r?\n/).map((line) => line.trimEnd());
  const found: { name: string; tle: readonly [string, string]; epochMs: number }[] = [];
  let title: string | undefined;
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] ?? '';
    if (line === '' || line.startsWith('#')) continue;
    if (!/^1 .{60}/.test(line)) {
      if (title !== undefined || /^[12] /.test(line)) throw planSyntax(file, index + 1, line, 'a name, or the first line of elements');
      // Three-line sets begin their name with a 0.
      title = line.replace(/^0 /, '');
      continue;
    }
    const second = lines[index + 1] ?? '';
    const fault = tleFault(line, second);
    if (fault !== undefined) throw planSyntax(file, index + (fault.startsWith('line 2') ? 2 : 1), fault.startsWith('line 2') ? second : line, fault);
    found.push({ name: names.of(title ?? `sat-${line.slice(2, 7).trim()}`), tle: [line, second], epochMs: satelliteOf(line, second).epochMs });
    title = undefined;
    index += 1;
  }
  if (found.length === 0) throw planSyntax(file, 1, lines[0] ?? '', 'two-line elements');
  return found;
}

function stationsIn({ text, file }: ImportInput, names: Names): { readonly name: string; readonly latitude: number; readonly longitude: number; readonly heightM: number }[] {
  const stations = text.split(/\r?\n/).flatMap((line, index) => {
    if (line.trim() === '' || line.startsWith('#') || line.startsWith('name,')) return [];
    const [name = '', ...rest] = line.split(',').map((cell) => cell.trim());
    const [latitude = Number.NaN, longitude = Number.NaN, heightM = 0] = rest.map((cell) => (cell === '' ? Number.NaN : Number(cell)));
    if (name === '' || rest.length > 3 || !(Math.abs(latitude) <= 90) || !(longitude >= -180 && longitude <= 360) || !(heightM >= 0)) throw planSyntax(file, index + 1, line, 'name,latitude,longitude,metres in degrees north and east');
    return [{ name: names.of(name), latitude, longitude, heightM }];
  });
  if (stations.length === 0) throw planSyntax(file, 1, 'no station', 'name,latitude,longitude,metres');
  return stations;
}
