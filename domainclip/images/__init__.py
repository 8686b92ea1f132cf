"""Pictures: decoding within bounds, stretches to eight bits, perceptual hashes."""
