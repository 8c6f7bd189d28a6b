# SPDX-License-Identifier: Apache-2.0
# A thin face over meson: `make help` lists what there is. Released code is built in build/,
# tests in build/check-*, benchmarks in build/bench.

PREFIX ?= /usr/local
prefix ?= $(PREFIX)
DESTDIR ?=
MESON ?= meson
NINJA ?= ninja
CONFIG ?= examples/baton.yaml
export DESTDIR

DEPS = gcc libc6-dev meson ninja-build pkg-config python3 libuv1-dev libcyaml-dev \
	libexpat1-dev libssl-dev libyaml-dev libc-ares-dev libwslay-dev libhttp-parser-dev \
	libpcap-dev libcurl4-openssl-dev libsqlite3-dev libjansson-dev
TEST_DEPS = $(DEPS) clang llvm libclang-rt-14-dev binutils sip-tester baresip-core iproute2 \
	nsd universal-ctags mandoc kamailio liblinphone-dev chromium tshark libxml2-utils nftables \
	python3-jsonschema python3-prometheus-client bash-completion zsh \
	debhelper dpkg-dev lintian systemd sngrep
DEB_DEPS = $(DEPS) debhelper dpkg-dev lintian
BENCH_DEPS = $(DEPS) libsofia-sip-ua-dev libre-dev libosip2-dev kamailio

.NOTPARALLEL:
.DEFAULT_GOAL := build
.PHONY: build deps test-deps bench-deps demo demo-live web pictures run check bench deb install clean help

build: build/build.ninja ## compile the program: build/baton (the default)
	@$(NINJA) -C build
	@ln -sf src/baton build/baton

build/build.ninja:
	@command -v $(MESON) >/dev/null || { echo "meson is missing; 'make deps' installs what building needs" >&2; exit 1; }
	$(MESON) setup build --buildtype=release -Dtests=false --prefix=$(prefix)

deps: ## install what building needs (Debian 12; root or sudo; only what is missing)
	@scripts/need $(DEPS)

test-deps: ## install what building and testing need
	@scripts/need $(TEST_DEPS)
	@command -v npm >/dev/null || scripts/need nodejs npm
	@cd tests/browser && { [ node_modules/.package-lock.json -nt package-lock.json ] || \
		npm ci --no-audit --no-fund --loglevel=error; }

bench-deps: ## install what building and the benchmarks need
	@scripts/need $(BENCH_DEPS)

demo: deps build ## build, then show in one go what it does
	@scripts/demo
	@[ ! -t 1 ] || scripts/demo-live

demo-live: deps build ## build, then the server, phones, live calls and the console, until Ctrl-C
	@scripts/demo-live

web: deps ## build with the browser phone, too (JsSIP and esbuild from npm)
	@command -v npm >/dev/null || scripts/need nodejs npm
	@cd tests/browser && { [ node_modules/.package-lock.json -nt package-lock.json ] || \
		npm ci --no-audit --no-fund --loglevel=error; }
	@[ -f build/build.ninja ] || $(MESON) setup build --buildtype=release -Dtests=false --prefix=$(prefix)
	@$(MESON) setup --reconfigure build >/dev/null
	@$(MAKE) --no-print-directory build

pictures: test-deps web ## take the pictures of docs/ anew, from the real console
	@BATON_SHOTS=$(CURDIR)/docs/images tests/interop/run web_pages web_tasks web_operator \
		web_agent web_phones

run: build ## build, then run the server with an example configuration (CONFIG=...)
	@scripts/run $(CONFIG)

check: test-deps ## every test: layers, gcc and clang with sanitizers, fuzzing, interop
	@scripts/check

bench: bench-deps ## measure against other SIP stacks
	@if [ ! -f build/bench/build.ninja ]; then \
		$(MESON) setup build/bench --buildtype=release -Dbench=true -Dtests=false; fi
	@$(NINJA) -C build/bench
	@scripts/bench

deb: ## build the Debian packages in build/deb, and have lintian look at them
	@scripts/need $(DEB_DEPS)
	@scripts/deb

install: build ## install to $(DESTDIR)$(prefix)
	@$(MESON) configure build -Dprefix=$(prefix)
	$(MESON) install -C build
	@if [ -z "$(DESTDIR)" ] && [ "$$(id -u)" = 0 ]; then PATH=$$PATH:/sbin ldconfig; fi

clean: ## remove everything that was built
	rm -rf build

help: ## this text
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' Makefile
