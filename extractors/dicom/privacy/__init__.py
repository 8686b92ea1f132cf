"""Privacy: what identifies somebody is taken out of headers, texts and pixels, and looked for."""
