/** Makes a link of each kind the configuration knows: part of putting a gateway together, like main.ts. */
import { strict as assert } from 'node:assert';
import path from 'node:path';
import process from 'node:process';
import { fromHex } from '../base/bytes.js';
import type { TlsIdentity } from '../base/tls-identity.js';
import { BroadcastLink } from '../links/broadcast/broadcast-link.js';
import { BurstLink } from '../links/burst/burst-link.js';
import { openSerialPort } from '../links/burst/serial-port.js';
import { CommandLink } from '../links/command/command-link.js';
import { HttpsLink } from '../links/https/https-link.js';
import type { Link } from '../links/link.js';
import { BlockRoom } from '../links/ltp/block-buffer.js';
import type { ContactSource } from '../links/ltp/contacts.js';
import { LtpLink } from '../links/ltp/ltp-link.js';
import { openSpillFile } from '../links/ltp/spill-file.js';
import type { UdpDoor } from '../links/ltp/udp-door.js';
import { TcpclLink } from '../links/tcpcl/tcpcl-link.js';
import type { TcpclListener } from '../links/tcpcl/tcpcl-listener.js';
import { splitBundles } from '../wire/bundle-run.js';
import type { BroadcastParts } from './broadcast-parts.js';
import type { GatewayContext } from './context.js';
import { INBOUND_BUNDLE_BYTES, addressOf, spreadOf } from './link-schema.js';
import type { LanePlan } from './lane.js';
import type { BroadcastConfig, LiveLinkConfig } from './link-schema.js';
import { linkLog } from './log.js';
import type { Peer } from './peer-book.js';

/** What links share. */
export interface LinkParts {
  readonly context: GatewayContext;
  readonly identity: TlsIdentity;
  readonly listener?: TcpclListener;
  readonly udpDoor?: UdpDoor;
  readonly broadcast: BroadcastParts;
}

/** @param plan when the link works and what it costs: for kinds that keep contacts or pay by themselves */
export function makeLink({ context, identity, listener, udpDoor, broadcast }: LinkParts, peer: Peer, link: LiveLinkConfig, plan: LanePlan): Link {
  const { clock, random, config, log } = context;
  switch (link.kind) {
    case 'https':
      return new HttpsLink({
        neighbour: peer.name,
        address: { url: link.url, key: peer.key, allowPlainHttp: link.allowPlainHttp },
        largestBytes: link.largestBytes,
        parallel: link.parallel,
        clock,
      });
    case 'tcpcl':
      return new TcpclLink({
        neighbour: peer.name,
        nodeId: config.gateway.nodeId,
        ...(peer.config.nodeId !== undefined && { peerNodeId: peer.config.nodeId }),
        peerKey: peer.key,
        ...(link.tls && { identity }),
        ...(listener !== undefined && { listener }),
        ...(link.host !== undefined && { connect: { host: link.host, port: link.port } }),
        allowPlain: link.allowPlain,
        keepaliveSec: link.keepaliveSec,
        largestBytes: link.largestBytes,
        parallel: link.parallel,
        reconnect: link.retry,
        clock,
        random,
        log: linkLog(log),
      });
    case 'burst':
      return new BurstLink({
        neighbour: peer.name,
        device: link.device,
        openPort: () => openSerialPort(link.device, link.baudRate),
        ends: { from: context.key.publicKey, to: peer.key },
        prefix: fromHex(link.prefixHex) ?? new Uint8Array(),
        messageBytes: link.messageBytes,
        leastSignalBars: link.leastSignalBars,
        patienceMs: link.patienceMs,
        checkMailboxEveryMs: link.checkMailboxEveryMs,
        billing: link.billing,
        folder: path.join(config.data, 'links', peer.name, 'burst'),
        largestBytes: link.largestBytes,
        ...(plan.budget !== undefined && { purse: plan.budget }),
        clock,
        random,
        log: linkLog(log),
      });
    case 'command':
      return new CommandLink({
        neighbour: peer.name,
        program: link.program,
        environment: link.environment,
        outbox: link.outbox ?? path.join(config.data, 'links', peer.name, 'command'),
        inbox: link.inbox,
        limitMs: link.limitMs,
        refusedExitCodes: link.refusedExitCodes,
        lookEveryMs: link.lookEveryMs,
        largestBytes: link.largestBytes,
        largestInBytes: INBOUND_BUNDLE_BYTES,
        parallel: link.parallel,
        ownEnvironment: process.env,
        clock,
        random,
        log: linkLog(log),
      });
    case 'ltp':
      assert(udpDoor !== undefined && config.listen.ltp !== undefined, 'the configuration was checked for listen.ltp');
      return new LtpLink({
        neighbour: peer.name,
        engineId: config.listen.ltp.engineId,
        peerEngineId: link.engineId,
        datagrams: udpDoor.wayTo({ host: link.host, port: link.port, fromPort: link.fromPort ?? link.port }),
        contacts: ltpContacts(plan),
        rateBytesPerSec: link.rateBytesPerSec,
        lightTimeMs: link.lightTimeMs,
        marginMs: link.marginMs,
        segmentBytes: link.segmentBytes,
        largestBytes: link.largestBytes,
        parallel: link.parallel,
        sessions: link.sessions,
        room: new BlockRoom(link.memoryBytes, () => openSpillFile(path.join(config.data, 'links', peer.name, 'ltp'), random)),
        aggregateBytes: link.aggregateBytes,
        retransmissions: link.retransmissions,
        colour: link.colour,
        unitsOf: splitBundles,
        clock,
        random,
        log: linkLog(log),
      });
    case 'broadcast':
      return makeBroadcastLink(context, broadcast, peer, link);
  }
}

function ltpContacts({ contacts }: LanePlan): ContactSource {
  return {
    isOpen: (atMs) => contacts.at(atMs) !== undefined,
    nextChangeMs(afterMs) {
      const changeMs = contacts.at(afterMs)?.endMs ?? contacts.next(afterMs)?.startMs;
      return changeMs === Number.POSITIVE_INFINITY ? undefined : changeMs;
    },
    termsAt: (atMs) => contacts.at(atMs),
  };
}

function makeBroadcastLink({ clock, log }: GatewayContext, { us, crypto, listener, transmitters, secrets }: BroadcastParts, peer: Peer, link: BroadcastConfig): Link {
  const transmitter = transmitters.get(addressOf(link) ?? '');
  const secret = secrets.get(link.secretFile ?? '');
  const { rounds: count, pauseMs, datagramBytes, extraPercent } = link;
  return new BroadcastLink({
    neighbour: peer.name,
    us,
    peer: { id: peer.kid, publicKey: peer.key },
    ...(secret !== undefined && { secret }),
    ...(transmitter !== undefined && { outbound: { transmitter, rounds: { count, pauseMs, spreadMs: spreadOf(link) }, datagramBytes, extraPercent } }),
    ...(listener !== undefined && { listener }),
    largestBytes: link.largestBytes,
    parallel: link.parallel,
    crypto,
    clock,
    log: linkLog(log),
  });
}
