"""A network on pictures of any size, on files, folders and videos."""
