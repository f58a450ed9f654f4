"""What is measured, against what: run `make bench`; results are kept under `bench/results/`."""
