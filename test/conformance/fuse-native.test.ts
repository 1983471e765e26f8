import { FUSE_NATIVE_DIFFERENCES } from './differences.ts';
import { runPropertiesOnMount } from './mounted-properties.ts';

runPropertiesOnMount('fuse-native', FUSE_NATIVE_DIFFERENCES);
