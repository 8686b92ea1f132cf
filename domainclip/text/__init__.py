"""Ways of encoding text, one per file; see ``domainclip list text``."""
