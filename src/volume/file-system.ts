// The FileSystem that the mount calls (volume.ts): each method handed to the job it belongs to, nothing more.
import { PacketFsError } from '../base/errors.ts';
import { Attributes } from './attributes.ts';
import { Directories } from './directories.ts';
import type { OpenFiles } from './open-files.ts';
import type { VolumeParts } from './parts.ts';
import { statisticsOf } from './statistics.ts';
import type { FileSystem } from './volume.ts';

export function createFileSystem(parts: VolumeParts, files: OpenFiles, stateDirectory: string): FileSystem {
  const { namespace, committer, latch, invalidations } = parts;
  const attributes = new Attributes(parts, files);
  const directories = new Directories(parts, files, attributes);
  return {
    lookup: (parent, name) => directories.lookup(parent, name),
    getAttributes: (inode) => attributes.of(attributes.record(inode)),
    setAttributes: (inode, changes) => attributes.change(inode, changes),
    createNode: (node) => directories.createNode(node),
    link: (inode, parent, name) => directories.link(inode, parent, name),
    unlink: (parent, name) => directories.unlink(parent, name),
    removeDirectory: (parent, name) => directories.removeDirectory(parent, name),
    rename: (options) => directories.rename(options),
    readLink: (inode) => directories.readLink(inode),
    readDirectory: (inode) => directories.readDirectory(inode),
    parentOf: (directory) => directories.parentOf(directory),

    getExtendedAttribute: (inode, name) => {
      const value = namespace.extendedAttribute(inode, name);
      if (value === undefined) throw new PacketFsError('PFS_NO_ATTRIBUTE', 'the inode has no such attribute');
      return value;
    },
    setExtendedAttribute: (inode, name, value, mode) => {
      latch.assertWritable();
      namespace.setExtendedAttribute(inode, name, value, mode);
    },
    removeExtendedAttribute: (inode, name) => {
      latch.assertWritable();
      namespace.removeExtendedAttribute(inode, name);
    },
    listExtendedAttributes: (inode) => namespace.extendedAttributeNames(inode),

    open: (inode, options) => files.open(inode, options),
    flush: (inode) => files.takeVersion(inode),
    release: (inode) => files.release(inode),
    fsync: async (inode) => {
      files.takeVersion(inode); // what the session has ingested, as a rule all
      if (files.stateOf(inode)?.dirty === true) await files.saveVersion(inode);
      committer.flushJournal();
      await committer.commit();
    },
    forget: (inode, lookups) => files.forget(inode, lookups),
    statistics: () => statisticsOf(stateDirectory, namespace.statistics().inodes),
    flushJournal: () => committer.flushJournal(),
    onInvalidate: (listener) => invalidations.subscribe(listener),
  };
}
