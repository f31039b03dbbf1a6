"""What talks to the machine: whole files, locks, cores, GPUs, failures of storage, quoting for shells."""
