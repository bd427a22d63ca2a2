.PHONY: help deps

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

deps: ## install Asterisk 22, Redis, the prompts and the tools (Debian 12 or 13, as root)
	@scripts/deps
