"""The panels of compound figures, by their pictures and their captions."""
