"""Figure-caption pairs of papers: PubMed Central packages, JATS, arXiv sources, PDFs."""
