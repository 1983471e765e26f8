# What one types: `make help`. Every target works on a fresh clone; `build` is incremental by the files it makes.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PREFIX ?= /usr/local
DESTDIR ?=
# A system prefix puts the mount helpers where mount(8) looks, any other keeps them inside itself.
HELPERS = $(if $(filter /usr /usr/local,$(PREFIX)),/sbin,$(PREFIX)/sbin)
LIBRARY = $(PREFIX)/lib/packetfs

TOOLS := node_modules/.bin
MODULES := node_modules/.package-lock.json
ADDON := native/build/Release/packetfs.node
WIRE := src/wire/generated/packetfs.js
BUILT := dist/.built
NODE_PREFIX = $(shell node -p 'require("path").resolve(fs.realpathSync(process.execPath), "../..")')
# node-gyp would download headers; the running node's own are there, or npm knows where they are.
NODE_HEADERS = $(firstword $(foreach directory,$(NODE_PREFIX) $(npm_config_nodedir) $(shell npm config get nodedir 2>/dev/null),\
	$(if $(wildcard $(directory)/include/node/node_api.h),$(directory))))
NODE_GYP = $(firstword $(wildcard $(TOOLS)/node-gyp) node-gyp)

TSX := node --import tsx
RUNNER := $(TSX) test/support/run.ts

TYPESCRIPT = $(shell find src mount test bench -name '*.ts' -not -path 'src/wire/generated/*' 2>/dev/null)
NATIVE = native/binding.gyp $(shell find native/core native/napi -type f)
CPP = $(shell find native/core native/napi test/native test/fuzz test/posix test/support bench -name "*.cc" -o -name "*.h" 2>/dev/null)

.PHONY: help setup system build addon compile demo bench-mount bench-memory bench-stages bench-dedup bench-link bench-paths bench-hostile bench-sharing bench-unshaped bench-updates compare compare-large analyze link-up link-down test test-random test-crash test-programs fuzz check lint format bench coverage clean install

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(MODULES) ## Install what building and testing need (apt and npm); a second run is instant

system:
	@./setup.sh build

$(MODULES): package.json package-lock.json | system
	@if [ -L node_modules ]; then test -e $@ || { echo 'node_modules is a link to nothing'; exit 2; }; \
	else npm ci --no-audit --no-fund --loglevel=error && touch $@; fi

build: $(BUILT) ## Build the native addon, the wire code and dist/

addon: $(ADDON)

$(ADDON): $(NATIVE) | $(MODULES)
	@$(MAKE) --no-print-directory compile
	@touch $@

# The addon alone, for npm's postinstall of a packed release, where npm has brought the modules.
compile:
	$(NODE_GYP) --directory native --loglevel=warn configure build $(if $(NODE_HEADERS),--nodedir=$(NODE_HEADERS))

$(WIRE): src/wire/packetfs.proto src/wire/generate.sh | $(MODULES)
	bash src/wire/generate.sh
	@touch $@

$(BUILT): $(TYPESCRIPT) $(WIRE) $(ADDON) tsconfig.json
	$(TOOLS)/tsc --incremental --tsBuildInfoFile dist/.tsbuildinfo
	@mkdir -p dist/src/wire/generated && cp src/wire/generated/*.js dist/src/wire/generated/
	@chmod +x dist/src/cli/pfs.js dist/mount/pfs-mount.js dist/mount/mount-pfs.js
	@touch $@

demo: build ## Two network namespaces, real trees, the wire counted (needs root)
	node dist/bench/demo/demo.js

# ROWS=create,stat SUBJECTS=packetfs,passthrough_hp,disk ROUNDS=5 DIRECTORY=/on/the/disk OUTPUT=bench/results choose.
bench-mount: build ## The mount beside passthrough, ext4, bindfs, sshfs and gocryptfs (ROWS= SUBJECTS= ROUNDS= WARM_UPS= DIRECTORY= OUTPUT=)
	@./setup.sh test bench
	node dist/bench/mount/bench-mount.js --rows "$(ROWS)" --subjects "$(SUBJECTS)" --rounds "$(ROUNDS)" \
		--warm-ups "$(WARM_UPS)" --directory "$(DIRECTORY)" --output "$(OUTPUT)"

# FILES=1000000 DIRECTORY=/on/the/disk choose.
bench-memory: build ## The daemon's memory and the time to mount with a million files, against what is promised
	FILES="$(FILES)" DIRECTORY="$(DIRECTORY)" node dist/bench/memory/bench-memory.js

# OUTPUT=bench/results chooses.
bench-stages: build ## Cutting, hashing, matching, reading and the index, as shares of what memory allows (OUTPUT=)
	@./setup.sh test
	@$(MAKE) --no-print-directory -C native bench >/dev/null
	node dist/bench/stages/bench-stages.js --output "$(OUTPUT)"

# FAMILIES='text;tar' SUBJECTS='packetfs;FastCDC' ROUNDS=3 OUTPUT=bench/results choose.
bench-dedup: build ## Bytes left of seven families of releases, beside FastCDC, borg, restic and casync (FAMILIES= SUBJECTS= ROUNDS= OUTPUT=)
	@./setup.sh test stores
	node dist/bench/dedup/bench-dedup.js --families "$(FAMILIES)" --subjects "$(SUBJECTS)" --rounds "$(ROUNDS)" --output "$(OUTPUT)"

# PROFILES=wan,lossy FLOWS=packetfs,'tcp bbr' ROUNDS=3 OUTPUT=bench/results choose.
bench-link: build ## The transport beside TCP cubic, TCP bbr and UDP on emulated links (PROFILES= FLOWS= ROUNDS= OUTPUT=)
	@./setup.sh link
	node dist/bench/link/bench-link.js --profiles "$(PROFILES)" --flows "$(FLOWS)" --rounds "$(ROUNDS)" --output "$(OUTPUT)"

# PROFILE=wan ROUNDS=3 OUTPUT=bench/results choose.
bench-paths: build ## Two emulated links at once, and one of them cut (PROFILE= ROUNDS= OUTPUT=)
	node dist/bench/link/bench-paths.js --profile "$(PROFILE)" --rounds "$(ROUNDS)" --output "$(OUTPUT)"

# DATAGRAMS=10000000 RATE=20000 PROFILE=wan KINDS=forgedData,all OUTPUT=bench/results choose.
bench-hostile: build ## A transfer while ten million hostile datagrams come (DATAGRAMS= RATE= PROFILE= KINDS= OUTPUT=)
	node dist/bench/link/bench-hostile.js --datagrams "$(DATAGRAMS)" --rate "$(RATE)" --profile "$(PROFILE)" \
		--kinds "$(KINDS)" --output "$(OUTPUT)"

# ROUNDS=3 OUTPUT=bench/results choose.
bench-unshaped: build ## The transport over a link that nothing bounds, beside scp and rsync over ssh (ROUNDS= OUTPUT=)
	@./setup.sh compare
	node dist/bench/compare/bench-unshaped.js --rounds "$(ROUNDS)" --output "$(OUTPUT)"

# PROFILE=wan ROUNDS=3 SECONDS=60 PAIRS=1 OUTPUT=bench/results choose.
bench-sharing: build ## What the transport and a TCP cubic flow make of one link together (PROFILE= ROUNDS= SECONDS= PAIRS= OUTPUT=)
	@./setup.sh link
	node dist/bench/link/bench-sharing.js --profile "$(PROFILE)" --rounds "$(ROUNDS)" --seconds "$(SECONDS)" \
		--pairs "$(PAIRS)" --output "$(OUTPUT)"

# PROFILES='lan;wan' ROUNDS=10 OUTPUT=bench/results choose.
bench-updates: build ## How soon a small change is at an idle peer (PROFILES= ROUNDS= OUTPUT=)
	@./setup.sh link
	node dist/bench/updates/bench-updates.js --profiles "$(PROFILES)" --rounds "$(ROUNDS)" --output "$(OUTPUT)"

# PROFILE=wan ROUNDS=3 ROWS='next-release;rename' SUBJECTS='packetfs;rsync -az, daemon' BIG=256 OUTPUT=bench/results choose.
compare: build ## PacketFS beside the tools that copy trees on an emulated link (PROFILE= ROUNDS= ROWS= SUBJECTS= BIG= OUTPUT=)
	@./setup.sh link compare stores
	node dist/bench/compare/bench-compare.js --profile "$(PROFILE)" --rounds "$(ROUNDS)" --rows "$(ROWS)" \
		--subjects "$(SUBJECTS)" --big "$(BIG)" --output "$(OUTPUT)"

# The same on a kernel's sources (87,000 files, 1.5 GB), releases of 200 MB and a file of 1 GiB; TMPDIR= is where.
compare-large: build ## The same at a larger size: a kernel's sources, 1 GiB; says how long and how much disk (as compare)
	@./setup.sh link compare stores
	node dist/bench/compare/bench-compare.js --data large --profile "$(PROFILE)" --rounds "$(ROUNDS)" --rows "$(ROWS)" \
		--subjects "$(SUBJECTS)" --big "$(BIG)" --output "$(OUTPUT)"

analyze: build ## Tables and plots of what `make compare` left in bench/results (RESULTS=)
	node dist/bench/compare/analyze.js $(or $(RESULTS),bench/results)

link-up: build ## An emulated link between two network namespaces: PROFILE=wan (docs/link-lab.md)
	node dist/bench/link/link.js up $(PROFILE)

link-down: build ## Remove it
	node dist/bench/link/link.js down

test: build ## Every test, with `N passed, N failed` at the end
	@./setup.sh test fuzz
	$(RUNNER) $(TESTS)

test-random: build ## Ten million random operations against a model (PFS_OPERATIONS=, PFS_SEED=); hours
	$(TSX) test/support/random-operations-long.ts

test-crash: build ## Thousands of crashes: KILLS=2000 CUTS=500 SHUTDOWNS=50 LANES=2 VOLUME_CYCLES=50 PFS_SEED=… SLICE=1/10
	@./setup.sh test
	$(TSX) test/support/crash/run-campaigns.ts

test-programs: build ## The real programs at full size: 10,000 commits, npm ci, PostgreSQL, stress-ng, FIO_SECONDS=1800
	@./setup.sh test programs
	PFS_PROGRAMS=long $(RUNNER) $(or $(TESTS),test/e2e/programs)

# TARGETS='aead_fuzz …' FUZZ_SECONDS=300 FUZZ_SEED=1 choose; a target's corpus stays in native/build/fuzz/corpus.
fuzz: $(MODULES) ## Every decoder of the C++ core under libFuzzer, FUZZ_SECONDS=300 each (TARGETS= FUZZ_SEED=)
	@./setup.sh fuzz
	@$(MAKE) --no-print-directory -C native fuzz FUZZ_SECONDS=$(or $(FUZZ_SECONDS),300) \
	  $(if $(FUZZ_SEED),FUZZ_SEED=$(FUZZ_SEED)) $(if $(TARGETS),TARGETS="$(TARGETS)")

check: lint test ## What CI runs: lint, layers, types, formats and every test

lint: $(MODULES) $(WIRE) ## Style, layers, types and C++ format
	@./setup.sh lint
	$(TOOLS)/biome check
	$(TOOLS)/depcruise --config .dependency-cruiser.cjs src mount
	$(TOOLS)/tsc --noEmit
	@clang-format --dry-run --Werror $(CPP)

format: $(MODULES) ## Rewrite the sources in the one format
	@./setup.sh lint
	$(TOOLS)/biome check --write
	@clang-format -i $(CPP)
	$(TSX) test/support/limits-document.ts

bench: build ## Measurements of the rooms that have one
	@for bench in $$(find dist/bench -name '*.bench.js' | sort); do echo "== $$bench"; node "$$bench"; done

coverage: build ## Line coverage of the TypeScript, at least 85 %
	@./setup.sh test fuzz
	$(TOOLS)/c8 $(RUNNER) $(TESTS)

clean: ## Remove what was built (node_modules stays)
	rm -rf dist native/build src/wire/generated coverage

install: $(BUILT) ## Put the commands below PREFIX (default /usr/local)
	./install.sh "$(DESTDIR)" "$(PREFIX)" "$(HELPERS)"
