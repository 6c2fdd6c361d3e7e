/**
 * Which test tries what on which link: cut in the middle, resumed without sending again what has arrived, copies, another order, either
 * end started anew, and a peer that is away for a month. A fault that a kind does not know has the reason in place of a test. Whether they
 * were tried says tests-tried.ts.
 */
export const FAULTS = ['cut', 'resume', 'copies', 'order', 'restart', 'month'] as const;

/** A test, by its file and words of its title; or why there is none. */
export type Tried = readonly [file: string, title: string] | string;

const ONE_EXCHANGE = 'one stream on one connection: it has one order, and no copies';
const IN_PIECES: Tried = ['gateway/gateway.test.ts', 'after a cut only what is missing goes again'];
const BY_CUSTODY: Tried = ['gateway/month-away.test.ts', 'gone in the middle of a large blob for a month'];
const ACROSS_RESTARTS: Tried = ['gateway/main.test.ts', 'and survives a restart of both in between'];

export const MATRIX: Readonly<Record<string, Readonly<Record<(typeof FAULTS)[number], Tried>>>> = {
  https: {
    cut: ['links/https/https-link.test.ts', 'an answer that breaks off is no confirmation'],
    resume: IN_PIECES,
    copies: ONE_EXCHANGE,
    order: ONE_EXCHANGE,
    restart: ACROSS_RESTARTS,
    month: BY_CUSTODY,
  },
  tcpcl: {
    cut: ['links/tcpcl/session.test.ts', 'says what became of everything when the connection is gone'],
    resume: IN_PIECES,
    copies: ONE_EXCHANGE,
    order: ONE_EXCHANGE,
    restart: ['links/tcpcl/tcpcl-peers.test.ts', 'the gateway hears of a neighbour that comes back by itself'],
    month: BY_CUSTODY,
  },
  command: {
    cut: ['links/command/inbox.test.ts', 'puts away what has been cut short for a day'],
    resume: BY_CUSTODY,
    copies: ['links/command/inbox.test.ts', 'a file that comes twice is delivered twice'],
    order: 'files are whole bundles, and bundles know no order',
    restart: ['links/command/command-link.test.ts', 'what a killed gateway left in the outbox is swept at the start'],
    month: BY_CUSTODY,
  },
  ltp: {
    cut: ['links/ltp/ltp-faults.test.ts', 'a line that breaks unannounced: only what was lost is sent again'],
    resume: ['links/ltp/ltp-faults.test.ts', 'a session survives a contact gap of hours and goes on where it stopped'],
    copies: ['links/ltp/ltp-faults.test.ts', 'everything that was ever sent, sent again by somebody: nothing is delivered twice'],
    order: ['links/ltp/ltp-faults.test.ts', 'datagrams that come twice, and in any order'],
    restart: ['links/ltp/ltp-faults.test.ts', 'the far end restarts in the middle'],
    month: ['links/ltp/ltp-faults.test.ts', 'a peer that vanishes for a month'],
  },
  burst: {
    cut: ['links/burst/burst-serial.test.ts', 'a modem that is unplugged in mid session is found again'],
    resume: ['links/burst/burst-link.test.ts', 'a unit of which something has left goes on over a kill'],
    copies: ['links/burst/burst-link.test.ts', 'the fragment that comes twice does no harm'],
    order: ['links/burst/burst-link.test.ts', 'fragments arrive in any order'],
    restart: ['links/burst/burst-link.test.ts', 'the other side is killed in the middle of a unit'],
    month: ['links/burst/burst-link.test.ts', 'a neighbour that is gone for a month costs little'],
  },
  broadcast: {
    cut: ['links/broadcast/block-code.test.ts', 'all sources gone in the middle'],
    resume: ['links/broadcast/promise.test.ts', 'a listener that has missed the first round needs no more of the second'],
    copies: ['links/broadcast/reassembly.test.ts', 'backwards and shuffled, and each once'],
    order: ['links/broadcast/reassembly.test.ts', 'backwards and shuffled, and each once'],
    restart: ['links/broadcast/transmitter.test.ts', 'with a listener that comes back and one that was never there'],
    month: ['links/broadcast/reassembly.test.ts', 'what is idle makes room'],
  },
  usb: {
    cut: ['gateway/stick-hostile.test.ts', 'or is pulled out, changes nothing; the next visit does it all'],
    resume: ['gateway/stick-service.test.ts', 'what is on a stick already is not written again'],
    copies: ['gateway/stick-service.test.ts', 'the same stick twice brings nothing twice'],
    order: 'a stick is imported whole, and sticks know no order',
    restart: ['links/usb/stick.test.ts', 'a power cut at any step leaves every file whole or absent'],
    month: ['gateway/stick-service.test.ts', 'a lost stick is made up for'],
  },
};
