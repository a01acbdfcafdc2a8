# `make help` lists what there is.
CARGO_TARGET_DIR ?= rust_ext/target

.PHONY: core
core:  ## rebuild the compiled core into tokkit/ for the edit-build-test loop
	cd rust_ext && CARGO_TARGET_DIR=$(abspath $(CARGO_TARGET_DIR)) cargo build --profile fast -p tokkit-py
	cp $(CARGO_TARGET_DIR)/fast/lib_core.so tokkit/_core.abi3.so
