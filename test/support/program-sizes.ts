// The programs' tests have two sizes: short ones for `make test`, and those of `make test-programs`, which sets
// PFS_PROGRAMS=long.

export const isLong = process.env.PFS_PROGRAMS === 'long';

export const shortOrLong = <Value>(short: Value, long: Value): Value => (isLong ? long : short);
