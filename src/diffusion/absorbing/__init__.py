"""Cells hidden one after another: states, the objective, drawing, likelihoods."""
