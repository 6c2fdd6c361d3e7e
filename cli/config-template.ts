/**
 * The postern.yaml that `postern init` writes. A line that begins with "#" shows a default; the test holds
 * each of them against the schema.
 */

export interface NewGateway {
  readonly name: string;
  readonly nodeId: string;
  readonly publicUrl: string;
  readonly httpsPort: number;
}

export function configTemplate(gateway: NewGateway): string {
  return `# The configuration of one postern gateway. docs/operating.md explains each block; "postern doctor" checks it.
# A line that begins with "#" and a setting shows the default. Sizes are in bytes, times in milliseconds,
# names of files are relative to the folder of this file.

gateway:
  # What this gateway is called in logs, on the status page and, unless they rename it, by its neighbours.
  name: "${gateway.name}"
  # Its node id in the delay-tolerant network: "dtn://NAME/" or "ipn:N.0".
  nodeId: "${gateway.nodeId}"
  # Where destinations fetch from: this address goes into every knock.
  publicUrl: "${gateway.publicUrl}"
  # The signing key. Whoever has this file is this gateway: keep a copy in a safe place and show it to nobody.
  keyFile: gateway.key

# What the gateway keeps for others. A local disk; not a network share, not a RAM disk.
data: data

listen:
  # Neighbours that send bundles dial in here (TCPCLv4).
  # tcpcl:
  #   host: "0.0.0.0"
  #   port: 4556
  # Neighbours minutes of light away send here (LTP). Each engine has a number of its own.
  # ltp:
  #   host: "0.0.0.0"
  #   port: 1113
  #   engineId: 1
  # Neighbours that broadcast are heard here; multicast groups stand in "groups".
  # broadcast:
  #   host: "0.0.0.0"
  #   port: 4557
  #   memoryBytes: 67108864
  # Figures for Prometheus, for this machine only.
  # metrics:
  #   host: "127.0.0.1"
  #   port: 9464
  # Known domains and neighbours hand over here, and destinations fetch here.
  https:
    host: "0.0.0.0"
    port: ${gateway.httpsPort}

# Peers are added by "postern peer add CARD": clients (domains that this gateway serves) and neighbours (gateways).
peers: []

# Which neighbour takes what this gateway does not serve itself: a domain, "*.domain" for all below it, "*" for the rest.
routes: []

# store:
#   capacityBytes: 17179869184
#   reservePercent: 10
#   segmentBytes: 16777216
#   largeBlobBytes: 1048576
#   tombstoneMs: 604800000

# limits:
#   blobBytes: 68719476736
#   lifetimeMs: 15552000000
#   batchesAtOnce: 8
#   missesPerMinute: 600

# How much of the store one peer, and all messages for one destination, may fill.
# quota:
#   peer:
#     bytes: 4294967296
#     byteSeconds: 11132555231232000
#   destination:
#     bytes: 4294967296
#     byteSeconds: 11132555231232000

# clock:
#   source: system
#   leapMs: 172800000

# stick:
#   reserveBytes: 4194304
#   carryBytes: 1073741824
#   watch: [/media]
#   lookEveryMs: 3000

# How patiently destinations are told that something waits for them.
# knock:
#   firstMs: 5000
#   capMs: 21600000

# log:
#   level: info
`;
}
