"""Diffusions that add Gaussian noise: schedules, the masked objective, samplers, likelihoods."""
