"""Single cells: numbers, dates and Python objects, parsed and written."""
