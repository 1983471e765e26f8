// The composition root: opens the volume, binds the transport, joins both through replication, and answers the control
// socket. What starts here stops in the opposite order.
import { native } from '../addon/addon.ts';
import type { NativeContentStore } from '../addon/native.ts';
import type { Logger } from '../base/clock.ts';
import { isPacketFsError, PacketFsError } from '../base/errors.ts';
import type { RateEntry } from '../base/rate-schedule.ts';
import { type ControlServer, serveControl } from '../control/server.ts';
import { type Identity, initialise, loadIdentity } from '../identity/identity.ts';
import { Replicator } from '../replication/replicator.ts';
import type { CongestionProfile } from '../transport/congestion-profiles.ts';
import { RateLimit } from '../transport/rate-limit.ts';
import { openVolume, type Volume } from '../volume/open-volume.ts';
import type { FileSystem } from '../volume/volume.ts';
import { controlHandlers } from './control-handlers.ts';
import { decodeMemberEntry, encodeMemberEntry, keyText, Membership } from './membership.ts';
import { MemoryTrimmer } from './memory-trimmer.ts';
import { RateKeeper } from './rate-keeper.ts';
import { ReplicationTimer } from './replication-timer.ts';
import { addMountSeeds } from './seeding.ts';
import { systemClock, systemRandom } from './system.ts';
import { type HostPort, targetsOf, textOf } from './targets.ts';
import { TransportDriver } from './transport-driver.ts';

export interface DaemonOptions {
  readonly stateDirectory: string;
  readonly listen: { readonly address: string; readonly port: number };
  readonly peers: readonly HostPort[];
  readonly logger: Logger;
  /** What this node sends with; `bulk` where it is not given. */
  readonly congestion?: CongestionProfile;
  /** Bounds on what it sends to all peers together, by the local time of day. */
  readonly maxRates?: readonly RateEntry[];
  /** Directories outside the volume that hold files like its own: docs/design/0085. */
  readonly seeds?: readonly string[];
  /** Memory for the index of chunks; unbounded where it is not given (docs/design/0087). */
  readonly indexBytesMax?: number;
  /** For `pfs status` and `pfs info`; empty when the volume is served without a mount. */
  readonly mountPoint?: string;
}

export interface Daemon {
  readonly fileSystem: FileSystem;
  readonly contents: NativeContentStore;
  /** Idempotent. The mount must be gone: nothing is answered afterwards. */
  stop(): Promise<void>;
}

export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const identity = identityOf(options);
  const volume = await openVolume({
    stateDirectory: options.stateDirectory,
    volumeId: identity.volume.id,
    volumeSecret: identity.volume.secret,
    node: identity.node.publicKey,
    clock: systemClock,
    logger: options.logger.child({ room: 'volume' }),
    native,
    ...(options.indexBytesMax === undefined ? {} : { indexBytesMax: options.indexBytesMax }),
  });
  try {
    return await connect({ options, identity, volume });
  } catch (error) {
    await volume.close();
    throw error;
  }
}

/** A directory without a volume gets a new one, unless peers were named: then joining was meant. */
function identityOf(options: DaemonOptions): Identity {
  try {
    return loadIdentity(options.stateDirectory);
  } catch (error) {
    if (!isPacketFsError(error, 'PFS_NO_VOLUME')) throw error;
    if (options.peers.length > 0) {
      throw new PacketFsError(
        'PFS_NO_VOLUME',
        `There is no volume in ${options.stateDirectory} to share with ${options.peers.map(textOf).join(', ')}: run \`pfs invite\` there, then \`pfs join TOKEN --state ${options.stateDirectory}\` here, then mount again.`,
      );
    }
    options.logger.info({ stateDirectory: options.stateDirectory }, 'new volume');
    return initialise(options.stateDirectory);
  }
}

interface Given {
  readonly options: DaemonOptions;
  readonly identity: Identity;
  readonly volume: Volume;
}

async function connect({ options, identity, volume }: Given): Promise<Daemon> {
  const { stateDirectory, logger } = options;
  const { publicKey } = identity.node;
  const membership = new Membership({ stateDirectory, publicKey, clock: systemClock, logger });
  const rateLimit = new RateLimit();
  const rateKeeper = new RateKeeper({ schedule: options.maxRates ?? [], limit: rateLimit, logger });
  const driver = createDriver({ options, identity, volume }, { membership, rateLimit });
  const timer = new ReplicationTimer(systemClock);
  const replicator = new Replicator({
    volume: volume.replica,
    compression: native,
    logger: logger.child({ room: 'replication' }),
    mode: 'two-way',
    members: () => membership.entries().map(encodeMemberEntry),
    onMembers: (peer, entries) => learnMembers({ membership, logger, peer, entries }),
    onTimeoutChanged: () => timer.changed(),
  });
  volume.seeds.onChanged(() => replicator.seedsChanged());
  const mountPoint = options.mountPoint ?? '';
  await addMountSeeds({ volume, replicator, stateDirectory, mountPoint }, options.seeds ?? []);
  driver.onLink((link, register) => {
    if (link.initiated) membership.connected(link.peer);
    register(replicator.addLink(link));
  });
  const pursue = (): void => {
    for (const target of targetsOf(membership, options.peers)) driver.connectTo(target);
  };
  membership.onMember(() => {
    pursue();
    replicator.membersChanged();
  });
  rateKeeper.start();
  driver.start();
  timer.start(replicator);
  pursue();
  const sources = {
    volumeId: identity.volume.id,
    node: publicKey,
    stateDirectory,
    mountPoint,
    startedAt: new Date(),
    volume,
    replicator,
    driver,
    rateLimit,
    membership,
    capabilities: native.capabilities(),
  };
  const trimmer = new MemoryTrimmer(native.trimMemory);
  let control: ControlServer | undefined;
  const stop = async (): Promise<void> => {
    await control?.close();
    trimmer.stop();
    rateKeeper.stop();
    timer.stop();
    replicator.close();
    driver.close();
    await volume.close();
  };
  try {
    control = await serveControl({ stateDirectory, handlers: controlHandlers(sources, systemClock), logger });
  } catch (error) {
    trimmer.stop();
    rateKeeper.stop();
    timer.stop();
    replicator.close();
    driver.close();
    throw error;
  }
  let stopping: Promise<void> | undefined;
  return {
    fileSystem: volume.fileSystem,
    contents: volume.contents,
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
}

function createDriver(
  { options, identity }: Given,
  { membership, rateLimit }: { readonly membership: Membership; readonly rateLimit: RateLimit },
): TransportDriver {
  return new TransportDriver({
    socket: native.createUdpSocket(),
    createAead: (suite, key) => native.createAead(suite, key),
    aesGcm: native.capabilities().aesGcm,
    listen: options.listen,
    rateLimit,
    ...(options.congestion === undefined ? {} : { congestion: options.congestion }),
    secretKey: identity.node.secretKey,
    volumeId: identity.volume.id,
    volumeSecret: identity.volume.secret,
    clock: systemClock,
    random: systemRandom,
    logger: options.logger.child({ room: 'transport' }),
    authorize: (publicKey, payload) => membership.authorize(publicKey, payload),
  });
}

function learnMembers(given: {
  readonly membership: Membership;
  readonly logger: Logger;
  readonly peer: Uint8Array;
  readonly entries: readonly Uint8Array[];
}): void {
  const known = given.entries.map(decodeMemberEntry);
  const malformed = known.filter((entry) => entry === undefined).length;
  if (malformed > 0) given.logger.warn({ peer: keyText(given.peer), malformed }, 'member entries dropped');
  given.membership.learn(known.filter((entry) => entry !== undefined));
}
