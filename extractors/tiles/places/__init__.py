"""Where on Earth and when: country, region, nearest town, season; offline."""
