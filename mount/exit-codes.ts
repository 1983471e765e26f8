// Exit codes of pfs-mount and mount.pfs: those of mount(8).
export const MOUNT_EXIT_CODES = {
  success: 0,
  usage: 1,
  system: 2,
  mountFailed: 32,
} as const;
