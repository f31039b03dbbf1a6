"""What every metric shares: scores, features of rows, settings, what a metric is."""
