// A transfer between two namespaces while a third floods the receiver with hostile datagrams of every kind, from many
// addresses: nothing is believed, everything is counted, memory is bounded. How much slower it is, `make bench-hostile`
// says.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FLOOD_KINDS, type Flood, refusedIn, runHostile } from '../../bench/link/hostile.ts';
import { ATTACK_NAMES, ATTACKS } from '../../bench/link/hostile-datagrams.ts';
import { profileNamed } from '../../bench/link/profiles.ts';

const DATAGRAMS = 100_000;
/** A queue of received datagrams, and what V8 has not collected yet. */
const MEMORY_GROWTH_MAX = 128 * 1024 * 1024;
/** Counted beside the refusal: what was or was not answered. */
const ANSWERS = new Set(['resetSent', 'answerDropped']);

const test = suite('a transfer under attack');

const floods: Flood[] = [];
const report = await runHostile(
  `pfs-${process.pid}-hostile`,
  {
    profile: profileNamed('wan'),
    datagrams: DATAGRAMS,
    perSecond: 10_000,
    settlingSeconds: 3,
    quietSeconds: 0.5,
    kinds: FLOOD_KINDS,
    seed: 1,
  },
  (flood) => {
    floods.push(flood);
    console.log(JSON.stringify(flood));
  },
);

test('every hostile datagram is refused and counted, but what found a full buffer', () => {
  assert.is(floods.length, FLOOD_KINDS.length);
  for (const { kind, sent, counted, kernelDropped, queueDropped } of floods) {
    const missing = sent - refusedIn(counted);
    assert.ok(
      missing >= 0 && missing <= kernelDropped + queueDropped,
      `${kind}: ${missing} of ${sent} are not counted`,
    );
  }
});

test('it is counted for a reason of its kind', () => {
  for (const { kind, counted } of floods) {
    const kinds = kind === 'all' ? ATTACK_NAMES : [kind];
    const reasons = new Set<string>(kinds.flatMap((name) => ATTACKS[name].reasons));
    for (const reason of Object.keys(counted)) {
      assert.ok(reasons.has(reason) || ANSWERS.has(reason), `${kind} is counted as ${reason}`);
    }
  }
});

test('nothing is accepted', () => {
  assert.is(report.connectionsOpened, 0);
  for (const [name, count] of Object.entries(report.accepted)) assert.is(count, 0, name);
});

test('the socket accounts for every datagram, hostile and genuine', () => {
  const sent = floods.reduce((sum, flood) => sum + flood.sent, 0);
  const { packetsReceived = 0, kernelDropped = 0 } = report.socket;
  assert.is(packetsReceived + kernelDropped, sent + report.genuine);
});

test('the transfer goes on, and memory is bounded', () => {
  for (const { kind, bitsPerSecond, residentBytesMost } of floods) {
    assert.ok(bitsPerSecond > 0, kind);
    const growth = residentBytesMost - report.residentBytesBefore;
    assert.ok(growth < MEMORY_GROWTH_MAX, `${kind}: ${growth} bytes more`);
  }
});

test.run();
