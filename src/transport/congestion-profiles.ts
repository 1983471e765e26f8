// The congestion control profiles by name: what a node may be told to send with.
import type { Random } from '../base/clock.ts';
import { BandwidthController } from './bandwidth-controller.ts';
import type { CongestionController } from './congestion-controller.ts';
import { FairController } from './fair-controller.ts';

/** `bulk` keeps a link filled whatever else is on it; `fair` shares it with flows that back off at a loss. */
export const CONGESTION_PROFILES = ['bulk', 'fair'] as const;

export type CongestionProfile = (typeof CONGESTION_PROFILES)[number];

export const createController = (profile: CongestionProfile, random: Random): CongestionController =>
  profile === 'fair' ? new FairController(random) : new BandwidthController();
