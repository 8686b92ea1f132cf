"""Archives (zip, tar, gz, bz2, xz) read within bounds, in a stream; never unpacked by name."""
