"""MissDiff: diffusion models trained directly on tables with missing values.

The path of the data, one package a step, each importing only the steps before it:
``tables -> missing -> completion -> encoding -> diffusion -> training -> metrics -> results``.
"""
