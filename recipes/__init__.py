"""Recipes: one complete YAML file each; see ``domainclip list recipes``."""
