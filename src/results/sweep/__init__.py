"""The runs of a sweep: read, selected, beside the numbers of the paper."""
