import { LIBFUSE3_DIFFERENCES } from './differences.ts';
import { runPropertiesOnMount } from './mounted-properties.ts';

runPropertiesOnMount('libfuse3', LIBFUSE3_DIFFERENCES);
