// What the control socket answers: each method over the daemon's parts.
import type { Clock } from '../base/clock.ts';
import { PacketFsError } from '../base/errors.ts';
import { milliseconds } from '../base/units.ts';
import type { ControlHandlers, ControlParameters, ControlResult } from '../control/methods.ts';
import type { CheckRequest } from '../volume/check/check.ts';
import type { LiteralSource } from '../volume/scrub.ts';
import { checkStatusOf, membersPhase } from './check.ts';
import { keyText } from './membership.ts';
import { addSeed, forgetSeed, seedsStatusOf } from './seeding.ts';
import { type StatusSources, scrubStatusOf, statusOf } from './status.ts';

const MILLISECONDS_PER_SECOND = 1000;

export function controlHandlers(sources: StatusSources, clock: Clock): ControlHandlers {
  return {
    status: async () => statusOf(sources),
    sync: (parameters) => sync(sources, clock, parameters),
    'scrub.start': async ({ repair }) => scrubStatusOf(sources.volume.scrub.start(scrubRequest(sources, repair))),
    'scrub.status': async () => scrubStatusOf(sources.volume.scrub.status()),
    'check.start': async (parameters) => checkStatusOf(sources.volume.check.start(checkRequest(sources, parameters))),
    'check.status': async () => checkStatusOf(sources.volume.check.status()),
    'seed.add': ({ path }) => addSeed(sources, path),
    'seed.forget': ({ path }) => forgetSeed(sources, path),
    'seed.status': async () => seedsStatusOf(sources),
    info: async ({ path }) => info(sources, path),
  };
}

const scrubRequest = (sources: StatusSources, repair: boolean) =>
  repair
    ? ({ repair, fetch: (log, range) => sources.replicator.fetchLiteral(log, range) } satisfies Parameters<
        StatusSources['volume']['scrub']['start']
      >[0])
    : ({ repair } as const);

function checkRequest(sources: StatusSources, { data, repair }: ControlParameters<'check.start'>): CheckRequest {
  const request = { verifyData: data, addedPhases: [membersPhase(sources.stateDirectory)] };
  const fetch: LiteralSource = (log, range) => sources.replicator.fetchLiteral(log, range);
  return repair ? { ...request, repair: { fetch } } : request;
}

/** Everything committed before the call, in every log of this node, is durable at the peers when it resolves. */
async function sync(
  sources: StatusSources,
  clock: Clock,
  parameters: ControlParameters<'sync'>,
): Promise<ControlResult<'sync'>> {
  const { sequence } = await sources.volume.replica.commit();
  const peers = parameters.to === undefined ? memberKeys(sources) : [peerNamed(sources, parameters.to)];
  const waitMs = parameters.timeoutSeconds * MILLISECONDS_PER_SECOND;
  const deadline = milliseconds(waitMs > 0 ? clock.monotonic() + waitMs : Number.POSITIVE_INFINITY);
  const own = sources.volume.replica
    .logs()
    .filter(({ log, applied }) => keyText(log.node) === keyText(sources.node) && applied > 0n);
  const waits = peers.flatMap((peer) =>
    own.map(({ log, applied }) => sources.replicator.waitUntilApplied({ peer, log, sequence: applied, deadline })),
  );
  await Promise.all(waits);
  return { sequence: String(sequence), peers: peers.length };
}

const memberKeys = (sources: StatusSources): Uint8Array[] =>
  sources.membership.members().map((member) => member.publicKey);

function peerNamed(sources: StatusSources, name: string): Uint8Array {
  const addresses = new Map(statusOf(sources).peers.map((peer) => [peer.publicKey, peer.address]));
  const matches = sources.membership.members().filter((member) => {
    const key = keyText(member.publicKey);
    const places = [...member.addresses, addresses.get(key) ?? ''];
    return key.startsWith(name.toLowerCase()) || places.some((place) => place === name || place.startsWith(`${name}:`));
  });
  const [only] = matches;
  if (only !== undefined && matches.length === 1) return only.publicKey;
  const problem = matches.length === 0 ? 'No peer is' : 'More than one peer is';
  throw new PacketFsError('PFS_UNKNOWN_PEER', `${problem} called ${name}: see \`pfs status\` for their keys.`);
}

function info(sources: StatusSources, path: string): ControlResult<'info'> {
  const found = sources.volume.info(path);
  return {
    path,
    inode: String(found.inode),
    kind: found.kind,
    size: String(found.size),
    allocatedBytes: String(found.allocatedBytes),
    uniqueBytes: String(found.uniqueBytes),
    links: found.links,
    extents: found.extents,
    logs: found.logs,
    contentVersion: String(found.contentVersion),
  };
}
