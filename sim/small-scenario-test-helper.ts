/** A scenario for tests of the simulator itself. */

/** Everything at once, small: windows, light time, bursts of loss, a courier, a retraction, every kind of fault. */
export const SMALL_SCENARIO = `
name: small
lasts: 8 h
settles: 16 h
nodes:
  earth: { serves: [earth.example], routes: [{ to: mars.example, via: relay }, { to: village.example, via: village }] }
  relay: { routes: [{ to: mars.example, via: mars }, { to: earth.example, via: earth }], clock: { offset: 2 s, driftPpm: 40 } }
  mars: { serves: [mars.example], routes: [{ to: earth.example, via: relay }] }
  village: { serves: [village.example], routes: [{ to: earth.example, via: earth }] }
links:
  - { between: [earth, relay], rate: 200 kbit/s, delay: 8 min, windows: { first: 30 min, every: 3 h, open: 2 h }, loss: { toBad: 0.01, toGood: 0.25 } }
  - { between: [relay, mars], reliable: false, rate: 100 kbit/s, delay: 20 ms, duplicate: 0.2, corrupt: 0.1, reorder: { probability: 0.2, by: 5 s } }
couriers:
  - { between: [earth, village], first: 1 h, every: 4 h, travel: 40 min, lost: 0.2, returnsAfter: 30 min }
traffic:
  - { from: earth.example, to: mars.example, perDay: 30, size: [500 B, 6 KiB], lifetime: 4 d, retracted: 0.2 }
  - { from: mars.example, to: earth.example, perDay: 20, size: 1 KiB, lifetime: 4 d }
  - { from: village.example, to: earth.example, perDay: 12, kind: constant, size: 1 KiB, lifetime: 4 d }
faults:
  - { kind: crash, node: relay, every: 3 h, down: 4 min }
  - { kind: crash, node: mars, at: 2 h, down: 20 min, power: false }
  - { kind: reboot, node: earth, at: 4 h, down: 3 min }
  - { kind: disk-full, node: relay, at: 5 h, lasts: 20 min }
  - { kind: slow-disk, node: mars, at: 3 h, lasts: 1 h, sync: 300 ms }
  - { kind: clock-jump, node: mars, at: 6 h, by: 90 s, lasts: 30 min }
  - { kind: cut, link: earth-relay, every: 2 h, lasts: 3 min }
`;
