"""Where papers lie: folders, archives, lists, buckets; one source an article."""
