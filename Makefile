# Thin over bin/bootstrap.py, which sets up whatever is missing and then starts the real program.
# Each recipe is one plain command, so that make's signals reach it without a shell in between.
.DEFAULT_GOAL := help
.PHONY: help run test chaos check format setup sdk

run: ## Bring up the whole product (PORT, FITTINGROOM_HOME and other settings: docs/api.md); SAGEMAKER=sim for a simulated cloud
	@python3 bin/bootstrap.py run

test: ## Run the tests; ARGS="tests/ml -k gate" picks some
	@python3 bin/bootstrap.py test $(ARGS)

chaos: ## Kill, freeze and stop workers 500 times on each database; ARGS="--cycles 50 --seed 1"
	@python3 bin/bootstrap.py chaos $(ARGS)

check: ## Lint, check the format, the types and who imports whom
	@python3 bin/bootstrap.py check

format: ## Let ruff mend and format the code
	@python3 bin/bootstrap.py format

setup: ## Only install what running needs
	@python3 bin/bootstrap.py setup

sdk: ## Install what the tests need, with AWS's SDK in an environment of its own; make test does it too
	@python3 bin/bootstrap.py sdk

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
