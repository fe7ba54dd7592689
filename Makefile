# The two that matter: `make up` serves a quickstart proxy in the foreground, `make test` runs every check.
# Everything they need is installed by scripts/set-up; the Debian packages are listed there.
SHELL := /bin/bash
# A private Node >= 24, where set-up made one, comes before the machine's own.
RUN := PATH="$$(echo $(CURDIR)/.tools/node/node_modules/node-linux-*/bin):$$PATH"

.PHONY: help set-up up simulator test demo fleet chaos bench format docs screenshots

help:
	@echo 'make up      set up everything and serve in the foreground (HOLDFAST_HOME, HOLDFAST_XKS_PORT, HOLDFAST_ADMIN_PORT)'
	@echo 'make simulator  an AWS to try out make up with (docs/simulator.md)'
	@echo 'make test    types, lint, format, tests'
	@echo 'make demo    play the guide against a stand-in for AWS, in eleven steps; ends by itself (KEEP=1: stays, with its console)'
	@echo 'make fleet   two nodes over one PostgreSQL behind HAProxy: one is killed, a key is disabled; ends by itself'
	@echo 'make chaos   three nodes under load while faults are made at random, judged by a checker (CHAOS_SECONDS, CHAOS_SEED, CHAOS_PATRONI=1, CHAOS_PLANT=all)'
	@echo 'make bench   measure, one table'
	@echo 'make set-up  only install what make up needs'
	@echo 'make screenshots  write the pictures of docs/images again, from the demo'
	@echo 'make docs    write the generated pages of docs/ again'
	@echo 'make format  format the sources'

set-up:
	@scripts/set-up run

up:
	@scripts/set-up run
	@exec bin/holdfast quickstart

simulator:
	@scripts/set-up run
	@exec bin/holdfast-simulator --quickstart $(SIMULATOR_FLAGS)

test:
	@scripts/set-up test
	@$(RUN) scripts/check

demo:
	@scripts/set-up run
	@$(RUN) node demo/main.ts $(if $(KEEP),--keep) $(DEMO_FLAGS)

fleet:
	@scripts/set-up fleet
	@$(RUN) node demo/fleet/main.ts

chaos:
	@scripts/set-up $(if $(filter 1,$(CHAOS_PATRONI)),patroni,fleet)
	@$(RUN) node chaos/$(if $(CHAOS_PLANT),planted,main).ts

bench:
	@scripts/set-up bench
	@$(RUN) node bench/main.ts

docs:
	@scripts/set-up run
	@$(RUN) node scripts/write-docs.ts

screenshots:
	@scripts/set-up test
	@$(RUN) node scripts/write-screenshots.ts

format:
	@scripts/set-up run
	@$(RUN) node_modules/.bin/prettier --write --log-level warn .
