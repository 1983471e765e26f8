// The FileSystem that the mount calls (volume.ts): each method handed to the job it belongs to, nothing more. What the
// mount calls an inode is a node of the kernel (nodes.ts); here it is told which inode that is.
import { PacketFsError } from '../base/errors.ts';
import { Attributes } from './attributes.ts';
import { Directories } from './directories.ts';
import { inodeOfNode } from './nodes.ts';
import type { OpenFiles } from './open-files.ts';
import type { VolumeParts } from './parts.ts';
import { statisticsOf } from './statistics.ts';
import type { FileSystem } from './volume.ts';

export function createFileSystem(parts: VolumeParts, files: OpenFiles, stateDirectory: string): FileSystem {
  const { namespace, contents, committer, latch, invalidations, posts } = parts;
  const attributes = new Attributes(parts, files);
  const directories = new Directories(parts, files, attributes);
  return {
    lookup: (parent, name) => directories.lookup(parent, name),
    hasName: (parent, name) => namespace.lookup(parent, name) !== undefined,
    getAttributes: (node) => attributes.ofNode(node),
    setAttributes: (node, changes) => attributes.change(node, changes),
    createNode: (node) => directories.createNode(node),
    reserveInodes: (count) => namespace.reserveInodes(count),
    noteCreated: (file) => directories.noteCreated(file),
    noteAttributes: (inode, change) => attributes.noteChanged(inode, change),
    link: (node, parent, name) => directories.link(inodeOfNode(node), parent, name),
    unlink: (parent, name) => directories.unlink(parent, name),
    removeDirectory: (parent, name) => directories.removeDirectory(parent, name),
    rename: (options) => directories.rename(options),
    readLink: (inode) => directories.readLink(inode),
    readDirectory: (inode) => directories.readDirectory(inode),
    parentOf: (directory) => directories.parentOf(directory),

    getExtendedAttribute: (node, name) => {
      const value = namespace.extendedAttribute(inodeOfNode(node), name);
      if (value === undefined) throw new PacketFsError('PFS_NO_ATTRIBUTE', 'the inode has no such attribute');
      return value;
    },
    setExtendedAttribute: (node, name, value, mode) => {
      latch.assertWritable();
      namespace.setExtendedAttribute(inodeOfNode(node), name, value, mode);
    },
    removeExtendedAttribute: (node, name) => {
      latch.assertWritable();
      namespace.removeExtendedAttribute(inodeOfNode(node), name);
    },
    listExtendedAttributes: (node) => namespace.extendedAttributeNames(inodeOfNode(node)),

    open: (node, options) => files.open(node, options),
    flush: (node) => files.takeVersion(node),
    release: (node, options) => files.release(node, options),
    isOpenForWriting: (node) => files.isOpenForWriting(node),
    fsync: async (node) => {
      if (await contents.makeDurable(node)) {
        committer.noteChange();
        return;
      }
      files.takeVersion(node); // what the session has ingested, as a rule all
      if (files.stateOf(node)?.dirty === true) await files.saveVersion(node);
      committer.flushJournal();
      await committer.commit();
    },
    noteSynced: () => committer.noteChange(),
    isHeld: (inode) => files.isHeld(inode),
    forget: (node, lookups) => files.forget(inodeOfNode(node), lookups),
    statistics: () => statisticsOf(stateDirectory, namespace.statistics().inodes),
    flushJournal: () => committer.flushJournal(),
    onSuspendPosts: (session) => posts.subscribe(session),
    onInvalidate: (listener) => invalidations.subscribe(listener),
  };
}
