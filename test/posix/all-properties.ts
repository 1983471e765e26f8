// Every property, in the order in which they run.
import { attributeProperties } from './attributes.ts';
import { contentProperties } from './content.ts';
import { creationProperties } from './creation.ts';
import { extendedAttributeProperties } from './extended-attributes.ts';
import { holeProperties } from './holes.ts';
import { limitProperties } from './limits.ts';
import { linkProperties } from './links.ts';
import { lockProperties } from './locks.ts';
import { namelessProperties } from './nameless.ts';
import { nameProperties } from './names.ts';
import { pathErrorProperties } from './path-errors.ts';
import { permissionProperties } from './permissions.ts';
import type { Property } from './property.ts';
import { renameProperties } from './rename.ts';
import { timeProperties } from './times.ts';

export const allProperties: readonly Property[] = [
  ...creationProperties,
  ...nameProperties,
  ...namelessProperties,
  ...linkProperties,
  ...renameProperties,
  ...contentProperties,
  ...holeProperties,
  ...attributeProperties,
  ...extendedAttributeProperties,
  ...lockProperties,
  ...limitProperties,
  ...pathErrorProperties,
  ...permissionProperties,
  ...timeProperties,
];
