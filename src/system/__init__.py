"""Access to the machine: atomic files, locks, cores, GPUs, failures of storage, quoting for shells."""
