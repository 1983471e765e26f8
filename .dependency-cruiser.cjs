// Who may import whom (DESIGN §2; docs/design/0003 for src/identity): one allow-list per layer, each with its reason,
// then the purity of the deterministic layers, then one folder per third-party package. `make lint` runs it.

/**
 * A layer, the rooms it may import, and why no others. Type-only imports obey the same table unless `typesFrom` adds one;
 * `files` are single files beyond the rooms.
 */
const layers = [
  {
    layer: 'base',
    imports: [],
    reason: 'Units, errors and limits are the floor: whoever imports them must not pull in a room.',
  },
  {
    layer: 'extent',
    imports: ['base'],
    reason: 'Algebra on extent lists, provable without a blob, a disk or a protocol.',
  },
  {
    layer: 'wire',
    imports: ['base', 'extent'],
    reason:
      'Encoding and validation know no state that a message could change; runs are coded by extent (docs/design/0020).',
  },
  {
    layer: 'addon',
    imports: ['base'],
    reason: 'The only loader of native code; what drives it is the business of the rooms above.',
  },
  {
    layer: 'observability',
    imports: ['base'],
    reason: 'Logs and metrics are given to rooms as interfaces of base, so they know none of them.',
  },
  {
    layer: 'identity',
    imports: ['base', 'addon'],
    reason: 'Keys, members and invitations work without a daemon (docs/design/0003).',
  },
  { layer: 'chunking', imports: ['base', 'addon'], reason: 'Cutting, hashing and matching know bytes, not files.' },
  {
    layer: 'blob',
    imports: ['base', 'addon', 'extent'],
    reason: 'The blob stores bytes at addresses; names and peers are above it.',
  },
  {
    layer: 'namespace',
    imports: ['base', 'extent', 'wire'],
    reason: 'Metadata refers to bytes by address and never reads them.',
  },
  {
    layer: 'volume',
    imports: ['base', 'extent', 'chunking', 'blob', 'namespace'],
    typesFrom: ['addon'],
    reason:
      'A volume is whole without peers or a mount: it owns bytes and names, and is given its native content store.',
  },
  {
    layer: 'transport',
    imports: ['base', 'wire', 'addon'],
    reason: 'Carries messages and blocks without knowing what they mean.',
  },
  {
    layer: 'replication',
    imports: ['base', 'extent', 'wire'],
    reason: 'Owns the interfaces it needs of a volume and a transport (ports.ts), so a cluster runs in one test.',
  },
  {
    layer: 'control',
    imports: ['base'],
    reason: 'Server and client of one socket; the daemon gives it what to answer.',
  },
  {
    layer: 'cli',
    imports: ['base', 'identity', 'control'],
    files: '^src/daemon/check\\.ts$',
    reason:
      'Commands talk to the daemon through its control socket and open no volume (Level has one opener), except that `pfs check` checks one that no daemon has (docs/design/0044).',
  },
];

/** What runs twice from the same seed must end the same (DESIGN §2): no disk, socket, timer, process or clock of its own. */
const pure = [
  '^src/base/',
  '^src/extent/',
  '^src/wire/',
  '^src/transport/',
  '^src/replication/',
  '^src/namespace/merge',
];

/** Third-party packages and the only rooms that may import them (DESIGN §2). */
const packages = [
  { name: 'level|classic-level|abstract-level', rooms: '^src/namespace/' },
  { name: 'protobufjs|long', rooms: '^src/wire/' },
  { name: 'sodium-native|noise-handshake', rooms: '^src/transport/' },
  { name: 'fuse-native', rooms: '^mount/' },
  { name: 'pino', rooms: '^src/observability/' },
  { name: 'commander', rooms: '^(src/cli|mount)/' },
  { name: 'cli-table3|cli-progress', rooms: '^src/cli/' },
];

const rooms = (names) => `^src/(${names.join('|')})/`;
const shipped = '^(src|mount)/';

module.exports = {
  forbidden: [
    ...layers.map(({ layer, imports, typesFrom = [], files, reason }) => ({
      name: `layer-${layer}`,
      comment: reason,
      severity: 'error',
      from: { path: `^src/${layer}/` },
      to: {
        path: '^(src|mount|test|bench)/',
        pathNot: [
          rooms([layer, ...imports]),
          ...(typesFrom.length > 0 ? [rooms(typesFrom)] : []),
          ...(files === undefined ? [] : [files]),
        ],
      },
    })),
    ...layers
      .filter(({ typesFrom }) => typesFrom !== undefined)
      .map(({ layer, typesFrom }) => ({
        name: `layer-${layer}-types`,
        comment: 'The types of these rooms may be named, their code may not run here.',
        severity: 'error',
        from: { path: `^src/${layer}/` },
        to: { path: rooms(typesFrom), dependencyTypesNot: ['type-only'] },
      })),
    {
      name: 'layer-mount',
      comment:
        'The FUSE front serves a FileSystem and would serve it without peers. Only the commands pfs-mount and mount.pfs start a daemon.',
      severity: 'error',
      from: { path: '^mount/', pathNot: '^mount/(pfs-mount|mount-pfs)[^/]*\\.ts$' },
      to: { path: '^(src|test|bench)/', pathNot: rooms(['base', 'addon', 'volume']) },
    },
    {
      name: 'layer-mount-commands',
      comment: 'The commands wire through the daemon and never reach past it to transport or replication.',
      severity: 'error',
      from: { path: '^mount/(pfs-mount|mount-pfs)[^/]*\\.ts$' },
      to: {
        path: '^(src|test|bench)/',
        pathNot: rooms(['base', 'addon', 'volume', 'identity', 'control', 'observability', 'daemon']),
      },
    },
    {
      name: 'layer-daemon',
      comment: 'The composition root wires every room; the commands of `pfs` are its clients, not its parts.',
      severity: 'error',
      from: { path: '^src/daemon/' },
      to: { path: '^(src/cli|test|bench)/' },
    },
    {
      name: 'room-is-known',
      comment: 'A folder in src/ that this table does not name has no layer: add it to DESIGN §2 and here.',
      severity: 'error',
      from: { path: '^src/', pathNot: rooms([...layers.map(({ layer }) => layer), 'daemon']) },
      to: {},
    },
    {
      name: 'no-cycles',
      comment:
        'Modules that run each other at load are one module in two files. Naming each other in types is allowed.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'pure-layers',
      comment:
        'Deterministic layers take time, randomness and datagrams as arguments, so a whole cluster runs in one test under a virtual clock and a seeded network.',
      severity: 'error',
      from: { path: pure },
      to: { dependencyTypes: ['core'] },
    },
    ...packages.map(({ name, rooms: allowed }) => ({
      name: `package-${name.split('|')[0]}`,
      comment: 'One folder per third-party package: what it does is wrapped once, and replaced in one place.',
      severity: 'error',
      from: { path: shipped, pathNot: allowed },
      to: { path: `node_modules/(${name})/` },
    })),
    {
      name: 'package-is-known',
      comment: 'A package that no room owns (see `packages` above) is not part of what ships.',
      severity: 'error',
      from: { path: shipped },
      to: {
        dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-no-pkg', 'npm-unknown'],
        pathNot: `node_modules/(@types/node|${packages.map(({ name }) => name).join('|')})/`,
      },
    },
    {
      name: 'resolvable',
      comment: 'An import that resolves to nothing fails at run time.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|native|src/wire/generated)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.cjs', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
