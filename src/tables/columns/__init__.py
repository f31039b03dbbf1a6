"""What a file's columns are: forms of cells, kinds, what was found and what the user corrected."""
